use super::*;

const NOW: i64 = 1_767_225_600;

fn secret(byte: u8) -> WebhookSecret {
    WebhookSecret::from_bytes(&[byte; 24])
}

#[track_caller]
fn check(secrets: &[WebhookSecret], signed: &Signed<'_>, body: &[u8], expected: Result<(), SignatureError>) {
    assert_eq!(verify(secrets, signed, body, NOW, TOLERANCE), expected);
}

#[test]
fn the_reference_implementation_and_this_one_believe_each_other() {
    let ours = secret(7);
    let theirs = standardwebhooks::Webhook::new(&ours.to_text()).unwrap();
    let id = "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk";
    let made = theirs.sign(id, NOW, b"{}").unwrap();
    assert_eq!(sign(std::slice::from_ref(&ours), id, NOW, b"{}"), made);
    check(&[ours], &Signed { id, timestamp: &NOW.to_string(), signature: &made }, b"{}", Ok(()));
}

#[test]
fn any_of_several_secrets_is_enough_on_either_side() {
    let signature = sign(&[secret(1), secret(2)], "m", NOW, b"x");
    assert_eq!(signature.split(' ').count(), 2);
    let timestamp = NOW.to_string();
    let signed = Signed { id: "m", timestamp: &timestamp, signature: &signature };
    for known in [vec![secret(1)], vec![secret(2)], vec![secret(3), secret(2)]] {
        check(&known, &signed, b"x", Ok(()));
    }
    check(&[secret(3)], &signed, b"x", Err(SignatureError::Mismatch));
    check(&[], &signed, b"x", Err(SignatureError::Mismatch));
}

#[test]
fn whatever_is_changed_is_noticed() {
    let (known, timestamp) = ([secret(1)], NOW.to_string());
    let signature = sign(&known, "m", NOW, b"x");
    let signed = Signed { id: "m", timestamp: &timestamp, signature: &signature };
    check(&known, &signed, b"y", Err(SignatureError::Mismatch));
    check(&known, &Signed { id: "n", ..signed }, b"x", Err(SignatureError::Mismatch));
    let later = (NOW + 1).to_string();
    check(&known, &Signed { timestamp: &later, ..signed }, b"x", Err(SignatureError::Mismatch));
    // Another spelling of the same number was not signed.
    let spelled = format!("+{NOW}");
    check(&known, &Signed { timestamp: &spelled, ..signed }, b"x", Err(SignatureError::Mismatch));
    for garbage in ["", "v1,", "v1,%%", "v1a,AAAA", &signature[3..], "v1,AAAA v1,BBBB", &" v1,AAAA".repeat(100)] {
        check(&known, &Signed { signature: garbage, ..signed }, b"x", Err(SignatureError::Mismatch));
    }
}

#[test]
fn the_tolerance_counts_in_both_directions() {
    let known = [secret(1)];
    for (shift, expected) in [
        (0, Ok(())),
        (300, Ok(())),
        (-300, Ok(())),
        (301, Err(SignatureError::Stale)),
        (-301, Err(SignatureError::Stale)),
        (i64::MAX - NOW, Err(SignatureError::Stale)),
    ] {
        let timestamp = (NOW + shift).to_string();
        let signature = sign(&known, "m", NOW + shift, b"x");
        check(&known, &Signed { id: "m", timestamp: &timestamp, signature: &signature }, b"x", expected);
    }
    let signed = Signed { id: "m", timestamp: "soon", signature: "" };
    check(&known, &signed, b"x", Err(SignatureError::Timestamp));
}

#[test]
fn secrets_parse_back_and_never_show() {
    let text = secret(9).to_text();
    assert_eq!(text.parse::<WebhookSecret>().unwrap().to_text(), text);
    for bad in ["", "whsec_", "whsec_%", "CQkJCQ=="] {
        assert_eq!(bad.parse::<WebhookSecret>().unwrap_err(), InvalidSecret, "{bad}");
    }
    assert_eq!(format!("{:?}", secret(9)), "WebhookSecret(***)");
}
