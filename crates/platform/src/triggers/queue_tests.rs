//! The queue over a memory store, with a clock that the tests move.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use engine::Clock;
use store::Store;

use super::*;

const NOW_MS: i64 = 1_795_104_000_000;

struct World {
    engine: Engine,
    node: Node,
    now: Arc<AtomicI64>,
}

impl World {
    async fn new() -> Self {
        let now = Arc::new(AtomicI64::new(NOW_MS));
        let told = Arc::clone(&now);
        let clock = Clock::from_fn(move || told.load(Ordering::Relaxed));
        let engine = Engine::open(Store::memory(), clock).await.unwrap();
        prepare(&engine).await.unwrap();
        dead_letters::prepare(&engine).await.unwrap();
        Self { engine, node: Node::new(false), now }
    }

    async fn accept(&self, event: &str, delay_ms: i64) -> String {
        let run = Run::new(Trigger::Call, "f".to_owned(), event.to_owned());
        accept(&self.engine, run, delay_ms).await.unwrap()
    }

    async fn take_due(&self) -> Vec<LaterCall> {
        let mut taken = Vec::new();
        for call in due(&self.engine, &[], 100).await.unwrap() {
            taken.extend(take(&self.engine, &self.node, &call).await.unwrap());
        }
        taken
    }

    fn wait(&self, ms: i64) {
        self.now.fetch_add(ms, Ordering::Relaxed);
    }
}

fn failed() -> Error {
    Error::new(Code::FunctionFailed, "no / 不")
}

#[tokio::test]
async fn a_call_waits_for_its_time_is_taken_once_and_remembered_as_done() {
    let world = World::new().await;
    let later = world.accept("{\"n\":2}", 6_000).await;
    let now = world.accept("{\"n\":1}", 0).await;
    let taken = world.take_due().await;
    assert_eq!(taken.len(), 1);
    assert_eq!((taken[0].id.as_str(), taken[0].attempts), (now.as_str(), 1));
    assert_eq!(taken[0].what.event, "{\"n\":1}");
    assert!(world.take_due().await.is_empty(), "taken once");
    assert_eq!(next_due(&world.engine).await.unwrap(), Some(NOW_MS + 6_000));
    end(&world.engine, &world.node, &taken[0], Ok(())).await.unwrap();
    assert_eq!(get(&world.engine, &now).await.unwrap().unwrap().state, LaterState::Done);
    world.wait(6_000);
    assert_eq!(world.take_due().await[0].id, later);
    let without = ["f".to_owned()];
    world.accept("{}", 0).await;
    assert!(due(&world.engine, &without, 9).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_call_that_fails_is_tried_twice_more_and_is_a_dead_letter_then() {
    let world = World::new().await;
    let id = world.accept("{\"n\":1}", 0).await;
    let mut ids = Vec::new();
    for after_ms in [1_000, 30_000, 0] {
        let taken = world.take_due().await;
        assert_eq!(taken.len(), 1);
        ids.extend(taken[0].request_id.clone());
        end(&world.engine, &world.node, &taken[0], Err(&failed())).await.unwrap();
        assert!(world.take_due().await.is_empty(), "not at once");
        world.wait(after_ms);
    }
    assert!(world.take_due().await.is_empty());
    assert_eq!(ids[0], id, "the first attempt has the id that was answered");
    assert_ne!(ids[1], ids[2]);
    let letters = dead_letters::latest(&world.engine, 9).await.unwrap();
    assert_eq!(letters.len(), 1);
    assert_eq!((letters[0].attempts, letters[0].error.as_str()), (3, "no / 不"));
    assert_eq!(letters[0].what.event, "{\"n\":1}");
    assert_eq!(get(&world.engine, &id).await.unwrap().unwrap().state, LaterState::Dead);
    // A second chance is a call of its own.
    let again = dead_letters::retry(&world.engine, &letters[0].id).await.unwrap().unwrap();
    assert!(dead_letters::latest(&world.engine, 9).await.unwrap().is_empty());
    let taken = world.take_due().await;
    assert_eq!((taken[0].id.as_str(), taken[0].attempts), (again.as_str(), 1));
    assert_eq!(taken[0].what.event, "{\"n\":1}");
    assert!(dead_letters::retry(&world.engine, &letters[0].id).await.unwrap().is_none());
}

#[tokio::test]
async fn a_call_without_room_is_put_off_for_six_hours_at_most() {
    let world = World::new().await;
    world.accept("{}", 0).await;
    let full = Error::new(Code::FunctionOverloaded, "full / 满");
    let mut delays = 0;
    while let Some(call) = world.take_due().await.pop() {
        assert_eq!(call.attempts, 1, "no room is no attempt");
        end(&world.engine, &world.node, &call, Err(&full)).await.unwrap();
        delays += 1;
        let Some(next) = next_due(&world.engine).await.unwrap() else { break };
        world.wait(next - world.engine.clock().now_ms());
    }
    assert!((70..90).contains(&delays), "{delays}");
    assert_eq!(dead_letters::latest(&world.engine, 9).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_call_whose_function_is_not_there_waits_for_it_for_a_while() {
    let world = World::new().await;
    world.accept("{}", 0).await;
    let missing = Error::new(Code::FunctionMissing, "missing / 不存在");
    let began_ms = world.engine.clock().now_ms();
    while let Some(call) = world.take_due().await.pop() {
        end(&world.engine, &world.node, &call, Err(&missing)).await.unwrap();
        let Some(next) = next_due(&world.engine).await.unwrap() else { break };
        world.wait(next - world.engine.clock().now_ms());
    }
    let waited_ms = world.engine.clock().now_ms() - began_ms;
    assert!((600_000..1_200_000).contains(&waited_ms), "{waited_ms}");
    assert_eq!(dead_letters::latest(&world.engine, 9).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_call_whose_node_died_is_run_again_but_not_for_ever() {
    let world = World::new().await;
    let id = world.accept("{}", 0).await;
    for begun in 1..=6 {
        let dying = Node::new(false);
        let call = due(&world.engine, &[], 9).await.unwrap().remove(0);
        let taken = take(&world.engine, &dying, &call).await.unwrap().unwrap();
        assert_eq!(taken.attempts, begun);
        assert_eq!(recover(&world.engine, &dying).await.unwrap(), 0, "it lives");
        assert_eq!(recover(&world.engine, &world.node).await.unwrap(), 1);
        // What a dead node still says changes nothing.
        end(&world.engine, &dying, &taken, Ok(())).await.unwrap();
        assert_ne!(get(&world.engine, &id).await.unwrap().unwrap().state, LaterState::Done);
    }
    assert_eq!(dead_letters::latest(&world.engine, 9).await.unwrap().len(), 1);
}

#[tokio::test]
async fn an_event_over_the_limit_is_refused() {
    let world = World::new().await;
    let event = format!("\"{}\"", "x".repeat(LATER_EVENT_BYTES_MAX));
    let run = Run::new(Trigger::Call, "f".to_owned(), event);
    let error = accept(&world.engine, run, 0).await.unwrap_err();
    assert_eq!(error.code(), Code::PayloadTooLarge);
}

#[tokio::test]
async fn what_is_to_run_survives_being_kept() {
    let world = World::new().await;
    let user = User {
        uid: "u".to_owned(),
        openid: Some("o".to_owned()),
        appid: Some("wx1".to_owned()),
        unionid: None,
        login_type: "WECHAT".to_owned(),
    };
    let run = Run {
        qualifier: Some("2".to_owned()),
        user: Some(user),
        source: "wx_client,scf".to_owned(),
        depth: 3,
        base_url: "http://h".to_owned(),
        variables: vec![("A".to_owned(), "$b".to_owned())],
        ..Run::new(Trigger::Storage, "f".to_owned(), "{\"$set\":{\"a.b\":1}}".to_owned())
    };
    let kept = Kept::from(run.clone());
    let id = accept(&world.engine, run, 0).await.unwrap();
    let found = get(&world.engine, &id).await.unwrap().unwrap();
    assert_eq!(found.what, kept);
    assert_eq!(Kept::from(found.what.run("r")), kept);
}
