// cargo add anyhow reqwest --features reqwest/json
// cargo add serde_json tokio --features tokio/full
use std::env;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let answer: serde_json::Value = reqwest::Client::new()
        .post(env::var("{URL}")?)
        .bearer_auth(env::var("{TOKEN}")?)
        .json(&["INCR", "visits"])
        .send()
        .await?
        .error_for_status()?
        .json()
        .await?;
    println!("Visit number {}", answer["result"]);
    Ok(())
}
