//! Announcements of any size reach Discord, the strictest of the three.

use outrigger_integrations::Announcement;

use crate::host::send;
use crate::services::discord;

#[tokio::test]
async fn long_texts_are_shortened_until_discord_takes_them() {
    let (discord, room) = discord().await;
    let url = format!("{discord}/good/slack");
    for text in ["x", "é", "<", "&", "👩‍👩‍👧 "] {
        let mut long = Announcement::new(text.repeat(9_000)).text(text.repeat(90_000));
        for number in 0..100 {
            long = long.field(format!("{number}{}", text.repeat(500)), text.repeat(5_000));
        }
        send(&url, &long).await.unwrap_or_else(|error| panic!("{text}: {error}"));
    }
    assert_eq!(room.messages().len(), 5);
}

#[tokio::test]
async fn fields_without_text_do_not_cost_the_message() {
    let (discord, room) = discord().await;
    let message = Announcement::new("Build failed").field("Branch", "").field(" ", "main");
    send(&format!("{discord}/good/slack"), &message).await.unwrap();
    assert_eq!(room.messages()[0]["attachments"][0]["fields"][0]["value"], "–");
}
