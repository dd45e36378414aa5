//! What each delivery promises when something else is in trouble, held to by the client of `cache_client`: whatever happens,
//! in the end no cache holds what the table does not.

use crate::cache_client::{Care, Fault, Site};
use crate::deliveries::{self, Delivery};
use std::time::Duration;
use tests::{Rng, value};

const PHASE: Duration = Duration::from_millis(600);

/// Some phases with this fault, after each of which everything must be right.
fn survives(site: &Site, fault: Fault, phases: u32) {
    site.while_open(|| {
        for _ in 0..phases {
            site.phase(PHASE, || site.cause(fault));
            assert_right(site, &format!("{fault:?}"));
        }
        println!("{} after {fault:?}: {}", site.delivery.name, site.summary());
    });
}

fn assert_right(site: &Site, after: &str) {
    let stale = site.stale();
    assert!(stale.is_empty(), "{} after {after}: {stale:#?}", site.delivery.name);
}

fn stats(site: &Site, column: &str) -> i64 {
    let mut client = site.connect("stats").expect("a session");
    let sql =
        format!("SELECT {column} FROM cache_notify.stats WHERE database = current_database()");
    value(&mut client, &sql).and_then(|number| number.parse().ok()).expect("a number")
}

#[test]
fn a_full_ring_leaves_no_cache_stale() {
    for delivery in [&deliveries::ASYNC, &deliveries::DURABLE_HEARD] {
        let site = Site::new(delivery, &["cache_notify.ring_size = 64kB"], Care::default());
        survives(&site, Fault::RingFull, 2);
        assert!(stats(&site, "overflows") > 0, "the ring was never full");
    }
}

/// Before 17 the queue is 8 GB, whatever is set: to fill it takes about a minute and that much of the disk.
#[test]
fn a_full_notification_queue_leaves_no_cache_stale() {
    if tests::server().major < 17 {
        println!("left out: the notification queue has no setting for its size before 17");
        return;
    }
    for delivery in [&deliveries::NOTIFY, &deliveries::ASYNC, &deliveries::DURABLE_HEARD] {
        let site = Site::new(delivery, &["max_notify_queue_pages = 64"], Care::default());
        survives(&site, Fault::QueueFull, 2);
    }
}

#[test]
fn a_consumer_that_is_too_far_behind_is_told_to_drop_everything() {
    let settings = ["cache_notify.max_lag = 2MB"];
    let site = Site::new(&deliveries::DURABLE_PRELOADED, &settings, Care::default());
    survives(&site, Fault::TooFarBehind, 2);
    assert!(site.cluster.log().contains("dropped consumer"));
}

/// A standby takes over that does not have everything: what was cached of the rest is gone too.
#[test]
fn a_promoted_standby_leaves_no_cache_stale() {
    for delivery in [&deliveries::NOTIFY, &deliveries::ASYNC, &deliveries::DURABLE_PRELOADED] {
        let site = Site::with_standby(delivery, Care::default());
        survives(&site, Fault::Promotion, 1);
    }
}

/// A crash takes back what was committed without waiting for the disk. Who listens drops everything when the connection is
/// made anew; a consumer that goes on where it was has to do the same here.
#[test]
fn commits_that_a_crash_takes_back_are_not_cached() {
    let settings = ["synchronous_commit = off", "wal_writer_delay = 1s"];
    let care = Care { drops_all_when_back: true, ..Care::default() };
    for delivery in [&deliveries::NOTIFY, &deliveries::ASYNC, &deliveries::DURABLE_PRELOADED] {
        survives(&Site::new(delivery, &settings, care), Fault::ServerKilled, 2);
    }
}

/// Two faults at a time, and those who listen for what consumers read.
#[test]
fn two_faults_at_a_time_leave_no_cache_stale() {
    const FAULTS: [Fault; 7] = [
        Fault::ListenerKilled,
        Fault::NodeCutOff,
        Fault::AllNodesCutOff,
        Fault::RedisRestarted,
        Fault::RedisAway,
        Fault::ServerKilled,
        Fault::PublisherKilled,
    ];
    let storm = |delivery: &'static Delivery| {
        let site = Site::new(delivery, &[], Care::default());
        let mut rng = Rng::new(site.any_seed());
        site.while_open(|| {
            for _ in 0..4 {
                // Faults that ask the server for something need one that is there.
                let (first, second) = (rng.choose(&FAULTS), rng.choose(&FAULTS[3..5]));
                site.phase(PHASE, || {
                    std::thread::scope(|scope| {
                        scope.spawn(|| site.cause(first));
                        if first != second && !FAULTS[3..5].contains(&first) {
                            site.cause(second);
                        }
                    });
                });
                assert_right(&site, &format!("{first:?} and {second:?}"));
            }
            println!("{} after two faults at a time: {}", delivery.name, site.summary());
        });
    };
    storm(&deliveries::ASYNC);
    storm(&deliveries::DURABLE_HEARD);
}
