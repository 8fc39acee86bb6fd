//! The baseline of licences: SM2 with nothing around it, on two threads.

use std::hint::black_box;
use std::time::Duration;

use tokio::time::Instant;
use yiwang_standards::sm::SigningKey;

use crate::Outcome;

/// As long as a licence's payload, about.
const MESSAGE: [u8; 700] = [b'm'; 700];

/// Signatures made, or verified, a second.
pub async fn run(what: &str, time: Duration) -> Outcome<f64> {
    let verify = what == "verify";
    let thread = move || -> Outcome<u64> {
        let key = SigningKey::from_seed(&[7; 32]);
        let signature = key.sign(&MESSAGE)?;
        let (begin, mut done) = (Instant::now(), 0);
        while begin.elapsed() < time {
            if verify {
                key.public_key().verify(&MESSAGE, &signature)?;
            } else {
                black_box(key.sign(&MESSAGE)?);
            }
            done += 1;
        }
        Ok(done)
    };
    let (one, other) = (tokio::task::spawn_blocking(thread), tokio::task::spawn_blocking(thread));
    Ok((one.await?? + other.await??) as f64 / time.as_secs_f64())
}
