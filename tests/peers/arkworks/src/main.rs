//! A peer for `chiaro bench`: the kernels of arkworks behind the protocol chiaro-peer/1.
//!
//! One JSON object a line comes in, one answer a line goes out; tests/peers/README.md lists works,
//! inputs, outputs and what the clock runs over.

mod documents;
mod inputs;
mod kernels;
mod prove;
mod threads;
mod usage;
mod verify;
mod zkey;

use std::io::{BufRead, Write};
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::time::Instant;

use serde_json::{json, Value};

use inputs::Inputs;
use threads::Threads;

const PROTOCOL: &str = "chiaro-peer/1";
const MOST_SIZE: u64 = 1 << 28;
const MOST_THREADS: u64 = 1024;

/// What went wrong, in a sentence: it becomes the answer.
type Outcome<T> = Result<T, String>;

/// A piece of work, ready to run any number of times.
trait Task: Send {
    /// Before the clock: fresh copies of what `run` overwrites.
    fn reset(&mut self) {}
    /// The clock runs over this.
    fn run(&mut self) -> Outcome<()>;
    /// After the clock.
    fn output(&mut self) -> Outcome<String>;
}

/// Loads inputs and converts them to the library's own form.
type Prepare = fn(usize, &Inputs) -> Outcome<Box<dyn Task>>;

const WORKS: [(&str, Prepare); 8] = [
    ("fp_mul", kernels::fp_mul),
    ("fr_mul", kernels::fr_mul),
    ("msm_g1", kernels::msm_g1),
    ("msm_g2", kernels::msm_g2),
    ("ntt", kernels::ntt),
    ("pairing", kernels::pairing),
    ("prove", prove::prove),
    ("verify", verify::verify),
];

struct Prepared {
    task: Box<dyn Task>,
    threads: Threads,
}

fn main() {
    let mut current = None;
    // A request that the other program could not serve and handed over: see threads.rs.
    if let Some(line) = std::env::args().nth(1) {
        if !reply(&line, &mut current) {
            return;
        }
    }
    for line in std::io::stdin().lock().lines() {
        match line {
            Ok(line) if line.trim().is_empty() => continue,
            Ok(line) if reply(&line, &mut current) => continue,
            _ => return,
        }
    }
}

/// Answers a line; false where that was the last.
fn reply(line: &str, current: &mut Option<Prepared>) -> bool {
    let answer = match serde_json::from_str::<Value>(line) {
        Err(error) => Err(format!("this line is not a request: {error}")),
        Ok(request) if request["op"] == "quit" => return false,
        Ok(request) => guarded(line, &request, current),
    };
    let answer = match answer {
        Ok(mut fields) => {
            fields["ok"] = json!(true);
            fields
        }
        Err(error) => json!({"ok": false, "error": error}),
    };
    let mut out = std::io::stdout().lock();
    writeln!(out, "{answer}").and_then(|()| out.flush()).is_ok()
}

/// Turns a panic of the library into an error: a peer never ends over its inputs.
fn guarded(line: &str, request: &Value, current: &mut Option<Prepared>) -> Outcome<Value> {
    catch_unwind(AssertUnwindSafe(|| handle(line, request, current))).unwrap_or_else(|trouble| {
        let text = trouble
            .downcast_ref::<String>()
            .map(String::as_str)
            .or_else(|| trouble.downcast_ref::<&str>().copied());
        Err(text.unwrap_or("the library gave up").to_string())
    })
}

fn handle(line: &str, request: &Value, current: &mut Option<Prepared>) -> Outcome<Value> {
    match request["op"].as_str() {
        Some("hello") => Ok(hello()),
        Some("prepare") => {
            *current = None;
            let name = request["work"].as_str().unwrap_or("");
            let (_, begin) = WORKS
                .iter()
                .find(|(known, _)| *known == name)
                .ok_or_else(|| format!("the work {} is not known here", request["work"]))?;
            let size = whole(request, "size", MOST_SIZE)?;
            let threads = Threads::new(whole(request, "threads", MOST_THREADS)?, line)?;
            let began = Instant::now();
            let task = threads.run(|| begin(size, &Inputs(&request["inputs"])))?;
            let prepare_ms = milliseconds(began);
            *current = Some(Prepared { task, threads });
            Ok(json!({"prepare_ms": prepare_ms}))
        }
        Some("run") => {
            let prepared = current.as_mut().ok_or("nothing is prepared")?;
            run(prepared)
        }
        Some("memory") => Ok(json!({"peak_rss_mb": usage::peak_megabytes()})),
        _ => Err(format!("the request {} is not known here", request["op"])),
    }
}

fn hello() -> Value {
    let names: Vec<&str> = WORKS.iter().map(|(name, _)| *name).collect();
    let processors = std::thread::available_parallelism().map_or(1, |n| n.get());
    json!({
        "protocol": PROTOCOL,
        "peer": "arkworks",
        "version": version(),
        "works": names,
        "threads": (1..=processors).collect::<Vec<_>>(),
    })
}

/// The versions that Cargo.lock pins, and the compiler's if the build told it.
fn version() -> String {
    let lock = include_str!("../Cargo.lock");
    let of = |name: &str| {
        lock.split("[[package]]")
            .find(|part| part.contains(&format!("name = \"{name}\"\n")))
            .and_then(|part| part.split("version = \"").nth(1)?.split('"').next())
            .unwrap_or("?")
            .to_string()
    };
    let compiler = option_env!("PEER_COMPILER").unwrap_or("rustc");
    format!(
        "ark-ec {}, ark-groth16 {}, {compiler}",
        of("ark-ec"),
        of("ark-groth16")
    )
}

fn run(prepared: &mut Prepared) -> Outcome<Value> {
    let task = &mut prepared.task;
    task.reset();
    let (wall_ms, cpu_ms, done) = prepared.threads.run(|| {
        let (cpu, began) = (usage::cpu_ms(), Instant::now());
        let done = task.run();
        (milliseconds(began), usage::cpu_ms() - cpu, done)
    });
    done?;
    let output = prepared.threads.run(|| task.output())?;
    Ok(json!({"wall_ms": wall_ms, "cpu_ms": cpu_ms, "output": output}))
}

fn milliseconds(since: Instant) -> f64 {
    since.elapsed().as_secs_f64() * 1e3
}

fn whole(request: &Value, name: &str, most: u64) -> Outcome<usize> {
    request[name]
        .as_u64()
        .filter(|value| (1..=most).contains(value))
        .map(|value| value as usize)
        .ok_or_else(|| format!("{} is no {name}", request[name]))
}
