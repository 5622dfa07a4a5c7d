//! What is refused says in both languages what to do.

use store::Error;

use super::open;

#[tokio::test]
async fn databases_that_cannot_serve_are_refused_with_a_way_out() {
    let address = throwaway_postgres::shared_address();
    let rows = [
        ("postgres://u@/d?host=%2Fnowhere".to_owned(), "cannot be reached", "无法连接"),
        ("postgres://u@127.0.0.1:1/d".to_owned(), "cannot be reached", "检查数据库是否运行"),
        (address.replace("/postgres?", "/missing?"), "does not exist", "数据库拒绝"),
        (address.replace("yunkai@", "stranger@"), "stranger", "数据库拒绝"),
        (format!("{address}&schema=a.b"), "schema", "无法识别"),
    ];
    for (address, english, chinese) in rows {
        let refused = open(&address).await.unwrap_err().to_string();
        assert!(refused.contains(english) && refused.contains(chinese), "{address}: {refused}");
    }
}

#[tokio::test]
async fn tables_of_a_newer_format_are_refused() {
    let address = throwaway_postgres::fresh_address();
    open(&address).await.unwrap();
    let schema = address.split("schema=").nth(1).unwrap();
    let driver = address.split("&schema").next().unwrap();
    let (client, connection) =
        tokio_postgres::connect(driver, tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    client.batch_execute(&format!("update \"{schema}\".about set format = 2")).await.unwrap();
    assert!(matches!(open(&address).await, Err(Error::FormatUnknown)));
}
