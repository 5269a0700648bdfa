use proptest::prelude::*;
use secrecy::ExposeSecret;

use super::*;
use crate::SeededEntropy;

fn ring(seed: u64) -> KeyRing {
    KeyRing::generate(&SeededEntropy::new(seed))
}

proptest! {
    #[test]
    fn what_is_sealed_opens_in_its_place_only(plain: Vec<u8>, context in ".{0,30}", other in ".{0,30}", seed: u64) {
        let keys = ring(seed);
        let sealed = keys.seal(&plain, &context, &SeededEntropy::new(seed ^ 1));
        prop_assert_eq!(&*keys.open(&sealed, &context).unwrap(), &plain);
        prop_assert_eq!(keys.open(&sealed, &other).is_ok(), context == other);
    }

    #[test]
    fn any_changed_character_keeps_it_shut(plain: Vec<u8>, at: prop::sample::Index, to in "[ -~]") {
        let keys = ring(1);
        let sealed = keys.seal(&plain, "here", &SeededEntropy::new(2));
        let at = at.index(sealed.len());
        let changed = format!("{}{to}{}", &sealed[..at], &sealed[at + 1..]);
        prop_assert_eq!(keys.open(&changed, "here").is_ok(), changed == sealed);
    }

    #[test]
    fn no_text_makes_it_panic(sealed in ".*", keys in ".*") {
        let _ = ring(1).open(&sealed, "here");
        let _ = ring(1).open(&format!("v1.{}.{sealed}", ring(1).active_id()), "here");
        let _ = KeyRing::parse(&keys);
    }
}

#[test]
fn the_text_form_reads_back() {
    let keys = ring(3).with_new_key(&SeededEntropy::new(4));
    let sealed = keys.seal(b"secret", "here", &SeededEntropy::new(5));
    let read = KeyRing::parse(keys.to_text().expose_secret()).unwrap();
    assert_eq!(read.active_id(), keys.active_id());
    assert_eq!(*read.open(&sealed, "here").unwrap(), b"secret");
}

#[test]
fn rotation_opens_the_old_and_seals_with_the_new() {
    let old = ring(6);
    let sealed = old.seal(b"secret", "here", &SeededEntropy::new(7));
    assert!(!old.needs_reseal(&sealed));

    // The same entropy on purpose: its first id is taken, so another has to be drawn.
    let both = old.with_new_key(&SeededEntropy::new(6));
    assert!(both.needs_reseal(&sealed));
    let resealed = both.seal(&both.open(&sealed, "here").unwrap(), "here", &SeededEntropy::new(8));
    assert!(!both.needs_reseal(&resealed));

    let new = both.without_old_keys();
    assert_eq!(*new.open(&resealed, "here").unwrap(), b"secret");
    let error = new.open(&sealed, "here").unwrap_err();
    assert_eq!(error, SealError::UnknownKey { id: old.active_id().into(), context: "here".into() });
}

#[test]
fn bad_key_files_are_told_by_line_and_never_quoted() {
    let check = |text: &str, says: &str| {
        let error = KeyRing::parse(text).unwrap_err();
        assert!(error.to_string().contains(says), "{error}");
        assert!(!format!("{error:?}{error}").contains("c2VjcmV0"));
    };
    check("", "no key");
    check("# only this\n\n", "no key");
    check("# a comment\nk1 c2VjcmV0", "line 2");
    check("c2VjcmV0", "line 1");
    let line = ring(9).to_text().expose_secret().lines().last().unwrap().to_owned();
    check(&format!("{line}\n{line}"), "two keys");
    check(&format!("k.1 {}", line.split_once(' ').unwrap().1), "line 1");
}

#[test]
fn debug_shows_ids_only() {
    let keys = ring(10);
    let shown = format!("{keys:?}");
    assert_eq!(shown, format!("KeyRing {{ ids: [{:?}] }}", keys.active_id()));
}

#[test]
fn a_saved_ring_is_private_whole_and_replaces_the_last() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys");
    ring(11).save(&path).unwrap();
    ring(12).save(&path).unwrap();
    assert_eq!(KeyRing::load(&path).unwrap().active_id(), ring(12).active_id());
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing else is left in the folder");
    #[cfg(unix)]
    assert_eq!(std::os::unix::fs::PermissionsExt::mode(&fs::metadata(&path).unwrap().permissions()) & 0o777, 0o600);
    let error = KeyRing::load(&folder.path().join("missing")).unwrap_err();
    assert!(error.to_string().contains("missing"), "{error}");
}
