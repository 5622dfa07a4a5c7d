//! Documents through `/admin` over a hot set of photos, against Parse Server on PostgreSQL under
//! the same load generator and against bare PostgreSQL under pgbench; adds also against a bare
//! group-commit log on the same disk. Every peer is durable.

use std::time::Duration;

use anyhow::Result;
use serde_json::{Value as Json, json};
use value::ejson;

use crate::ROUNDS;
use crate::load::{self, Client, Measured, Shot};
use crate::parse_server::ParseServer;
use crate::photos::{self, photo};
use crate::platform::{Platform, here};
use crate::postgres::Postgres;
use crate::{log_writer, table};

const LASTING: Duration = Duration::from_secs(1);
const CLIENTS: [usize; 3] = [1, 16, 64];

/// Photos of the hot set.
const PHOTOS: u64 = 100_000;

/// Documents per request while the hot set is put there.
const PORTION: u64 = 500;

/// How many different requests of a kind are made beforehand.
const BODIES: u64 = 2_000;

/// Everybody who takes part.
struct Field {
    ours: Platform,
    parse: ParseServer,
    postgres: Postgres,
}

/// One operation, as each takes it.
struct Operation {
    title: &'static str,
    ours: Shot,
    parse: Shot,
    pgbench: String,
    /// Also against the bare log.
    logged: bool,
}

/// Prints the tables.
pub async fn run() -> Result<()> {
    let postgres = Postgres::start();
    let parse = ParseServer::start(&postgres).await?;
    let ours = Platform::start(&here().join("project")).await?;
    let field = Field { ours, parse, postgres };
    field.fill_ours().await?;
    field.fill_peers().await?;
    for operation in [field.reads(), field.finds(), field.adds(), field.increments()] {
        field.compare(&operation).await?;
    }
    Ok(())
}

impl Field {
    async fn fill_ours(&self) -> Result<()> {
        let mut client = Client::connect(&self.ours.address).await?;
        for portion in 0..PHOTOS / PORTION {
            let numbers = portion * PORTION..(portion + 1) * PORTION;
            let data: Vec<String> =
                numbers.map(|number| ejson::canonical(&photo(number, PHOTOS))).collect();
            client
                .send(&self.ours.admin(&family_b("insertDocument", json!({ "data": data }))))
                .await?;
        }
        Ok(())
    }

    /// Parse makes its table when the first photo is added; the rest is copied in by SQL.
    async fn fill_peers(&self) -> Result<()> {
        let mut first = ejson::plain(&photo(0, PHOTOS));
        if let Some(first) = first.as_object_mut() {
            first.remove("_id");
        }
        let add = self.parse.shot("classes/photos", "POST", std::iter::once(first));
        Client::connect(&add.address).await?.send(&add).await?;
        let folder = tempfile::tempdir()?;
        let lines = photos::json_lines(folder.path(), PHOTOS)?;
        self.postgres.run("create table documents (id text, doc jsonb)")?;
        self.postgres.run(&format!(
            "\\copy documents (doc) from '{}' with (format csv, quote e'\\x01', delimiter e'\\x02')",
            lines.display()
        ))?;
        self.postgres.run(
            "update documents set id = doc->>'_id';
            insert into photos (\"objectId\", \"createdAt\", \"updatedAt\", album, file, camera,
                width, height, likes, tags, note, \"takenAt\")
            select id, now(), now(), doc->>'album', doc->>'file', doc->>'camera',
                (doc->>'width')::float8, (doc->>'height')::float8, 0, doc->'tags', doc->>'note',
                (doc->>'takenAt')::float8 from documents;
            create index on photos (album);
            alter table documents add primary key (id);
            create index on documents ((doc->>'album'));",
        )?;
        self.postgres.run("vacuum analyze")?;
        Ok(())
    }

    fn reads(&self) -> Operation {
        let numbers = || (0..BODIES).map(|number| number * (PHOTOS / BODIES));
        let ours = numbers().map(|number| {
            let query = json!({ "_id": photos::id(number) }).to_string();
            family_b("getDocument", json!({ "queryType": "DOC", "query": query, "multi": false }))
        });
        let parse = numbers()
            .map(|number| json!({ "where": { "objectId": photos::id(number) }, "limit": 1 }));
        Operation {
            title: "Point reads",
            ours: Shot { expected: "photo-", ..self.ours.admin_any(ours) },
            parse: Shot { expected: "photo-", ..self.parse.shot("classes/photos", "GET", parse) },
            pgbench: format!(
                "\\set i random(0, {})\nselect doc from documents where id = 'photo-' || :i::text;",
                PHOTOS - 1
            ),
            logged: false,
        }
    }

    fn finds(&self) -> Operation {
        let numbers = || (0..BODIES).map(photos::album);
        let ours = numbers().map(|album| {
            let query = json!({ "album": album }).to_string();
            family_b("getDocument", json!({ "queryType": "WHERE", "query": query, "limit": 20 }))
        });
        let parse = numbers().map(|album| json!({ "where": { "album": album }, "limit": 20 }));
        Operation {
            title: "Finds of 20 documents by an index",
            ours: Shot { expected: "photo-", ..self.ours.admin_any(ours) },
            parse: Shot { expected: "photo-", ..self.parse.shot("classes/photos", "GET", parse) },
            pgbench: format!(
                "\\set i random(0, {})\nselect doc from documents \
                 where doc->>'album' = 'album-' || :i::text limit 20;",
                BODIES - 1
            ),
            logged: false,
        }
    }

    fn adds(&self) -> Operation {
        let mut added = ejson::plain(&photo(7, PHOTOS));
        if let Some(added) = added.as_object_mut() {
            added.remove("_id");
            added.insert("album".to_owned(), Json::from("album-of-adds"));
        }
        let text = added.to_string();
        let ours = family_b("insertDocument", json!({ "data": [text] }));
        Operation {
            title: "Durable adds",
            ours: self.ours.admin(&ours),
            parse: self.parse.shot("classes/photos", "POST", std::iter::once(added)),
            pgbench: format!(
                "insert into documents values (gen_random_uuid()::text, '{text}'::jsonb);"
            ),
            logged: true,
        }
    }

    fn increments(&self) -> Operation {
        let ours = family_b(
            "modifyDocument",
            json!({
                "queryType": "DOC", "query": "{\"_id\":\"photo-1\"}",
                "data": "{\"$inc\":{\"likes\":{\"$numberInt\":\"1\"}}}",
                "multi": false, "merge": true, "upsert": false,
            }),
        );
        let parse = json!({ "likes": { "__op": "Increment", "amount": 1 } });
        Operation {
            title: "Durable increments of one hot document",
            ours: Shot { expected: "\"updated\":1", ..self.ours.admin(&ours) },
            parse: self.parse.shot("classes/photos/photo-1", "PUT", std::iter::once(parse)),
            pgbench: "update documents set doc = jsonb_set(doc, '{likes}', \
                 to_jsonb((doc->>'likes')::bigint + 1)) where id = 'photo-1';"
                .to_owned(),
            logged: false,
        }
    }

    async fn compare(&self, operation: &Operation) -> Result<()> {
        table::heading(&format!("{} (median of {ROUNDS} alternating rounds)", operation.title));
        let head = ["clients", "server", "answers/s", "p50", "p99", "ours ÷ theirs"];
        table::columns(&head);
        for clients in CLIENTS {
            let mut rounds: [Vec<Measured>; 4] = Default::default();
            for _ in 0..ROUNDS {
                rounds[0].push(load::fire(&operation.ours, clients, LASTING).await?);
                rounds[1].push(load::fire(&operation.parse, clients, LASTING).await?);
                rounds[2].push(self.postgres.fire(&operation.pgbench, clients, LASTING)?);
                if operation.logged {
                    rounds[3].push(log_writer::fire(&self.ours.data, clients, LASTING)?);
                }
            }
            let medians = rounds.map(load::median);
            let names = ["yunkai", "Parse Server", "pgbench on jsonb", "bare log"];
            for (name, measured) in names.into_iter().zip(medians) {
                if measured.per_second > 0.0 {
                    row(clients, name, &measured, &medians[0]);
                }
            }
        }
        Ok(())
    }
}

fn row(clients: usize, name: &str, measured: &Measured, ours: &Measured) {
    let ratio = format!("{:.2}", ours.per_second / measured.per_second);
    table::row(&[
        &clients.to_string(),
        name,
        &table::rate(measured.per_second),
        &table::duration(measured.p50),
        &table::duration(measured.p99),
        if name == "yunkai" { "" } else { &ratio },
    ]);
}

/// An envelope of the server SDKs' dialect.
fn family_b(action: &str, params: Json) -> Json {
    let mut envelope = json!({
        "action": format!("database.{action}"), "collectionName": "photos", "envName": "bench",
    });
    if let (Some(envelope), Json::Object(params)) = (envelope.as_object_mut(), params) {
        envelope.extend(params);
    }
    envelope
}
