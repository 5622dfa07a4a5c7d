//! TLS: a server that proves who it is is believed, and no other. The server's end is played
//! here, in front of one that is reached without.

use std::path::PathBuf;
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use store::Error;
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio_rustls::TlsAcceptor;

use super::{commit, get, open, put};

/// Keys made for this test alone, for the host `localhost`.
fn file(name: &str) -> String {
    format!("{}/tests/postgres/tls/{name}", env!("CARGO_MANIFEST_DIR"))
}

/// Listens with TLS, or refuses it as a server without does; returns the port.
async fn listen(server: PathBuf, has_tls: bool) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let chain = CertificateDer::pem_file_iter(file("server.pem")).unwrap();
    let chain = chain.map(|certificate| certificate.unwrap()).collect();
    let key = PrivateKeyDer::from_pem_file(file("server.key")).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            tokio::spawn(serve(client, server.clone(), has_tls.then(|| acceptor.clone())));
        }
    });
    port
}

async fn serve(mut client: TcpStream, server: PathBuf, acceptor: Option<TlsAcceptor>) {
    let mut request = [0; 8];
    client.read_exact(&mut request).await.unwrap();
    assert_eq!(request, [0, 0, 0, 8, 4, 210, 22, 47], "it begins by asking for TLS");
    let Some(acceptor) = acceptor else {
        client.write_all(b"N").await.unwrap();
        return;
    };
    client.write_all(b"S").await.unwrap();
    // A client that does not believe the server goes away.
    let Ok(mut client) = acceptor.accept(client).await else { return };
    let mut server = UnixStream::connect(server).await.unwrap();
    let _ = copy_bidirectional(&mut client, &mut server).await;
}

#[tokio::test]
async fn with_tls_only_a_server_that_proves_who_it_is_is_talked_to() {
    let address = throwaway_postgres::fresh_address();
    let (_, query) = address.split_once("?host=").unwrap();
    let (folder, schema) = query.split_once('&').unwrap();
    let server = PathBuf::from(folder.replace("%2F", "/")).join(".s.PGSQL.5432");
    let port = listen(server.clone(), true).await;
    let plain_port = listen(server, false).await;
    let trusted = format!("{schema}&sslmode=require&sslrootcert={}", file("authority.pem"));
    let at = |host: &str, port: u16, query: &str| {
        format!("postgres://yunkai@{host}:{port}/postgres?{query}")
    };

    let store = open(&at("localhost", port, &trusted)).await.unwrap();
    commit(&store, put("k", "sealed")).await;
    let found = get(&store.snapshot().await.unwrap(), "k").await.unwrap();
    assert_eq!(found.as_deref(), Some("sealed"));

    let unknown = format!("{schema}&sslmode=verify-full");
    for (address, expected) in [
        (at("localhost", port, &unknown), "certificate"),
        (at("127.0.0.1", port, &trusted), "certificate"),
        (at("localhost", plain_port, &trusted), "TLS"),
    ] {
        let refused = open(&address).await.unwrap_err();
        assert!(matches!(refused, Error::StoreUnreachable { .. }), "{address}: {refused}");
        assert!(refused.to_string().contains(expected), "{address}: {refused}");
    }
}
