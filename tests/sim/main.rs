//! Routers on a simulated LAN in hostile weather, one world for each seed.
//!
//! `VIPGATE_SIM_SEEDS=n` runs the first n seeds instead of 256, `VIPGATE_SIM_SEED=s` replays one and prints its trace.
//! A world is drawn (`profile.rs`) with its nodes (`node.rs`: a router, a drifting clock, a kernel that is slow or refuses);
//! `world.rs` has time and the order of events, `process.rs`, `lan.rs` and `kernel.rs` what they do. Weather (`weather.rs`,
//! `strokes.rs`) strikes for a while, then it calms down. `judge.rs` holds what must be true after every step
//! and what must be true in the end.

mod random;
mod node;
mod profile;
mod world;
mod process;
mod lan;
mod kernel;
mod weather;
mod strokes;
mod judge;

use world::World;

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name} is a number")))
}

#[test]
fn one_master_after_every_storm_and_never_a_foreign_address() {
    if let Some(seed) = number("VIPGATE_SIM_SEED") {
        let mut world = World::new(seed);
        let verdict = world.run();
        world.trace().for_each(|line| println!("{line}"));
        assert!(verdict.is_ok(), "seed {seed}: {}", verdict.unwrap_err());
        return;
    }
    let seeds = number("VIPGATE_SIM_SEEDS").unwrap_or(256);
    let mut storms = weather::Tally::default();
    for seed in 0..seeds {
        let mut world = World::new(seed);
        if let Err(complaint) = world.run() {
            let lines: Vec<&String> = world.trace().collect();
            let tail =
                lines[lines.len().saturating_sub(60)..].iter().fold(String::new(), |all, line| all + line + "\n");
            panic!("seed {seed}: {complaint}\n{tail}replay: VIPGATE_SIM_SEED={seed} cargo test --test sim");
        }
        storms.add(world.tally());
    }
    // A simulation in which nothing happens proves nothing.
    println!("{seeds} seeds: {storms:?}");
    assert!(seeds < 256 || storms.is_rich(), "{storms:?}");
}
