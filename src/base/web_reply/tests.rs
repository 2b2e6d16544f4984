use proptest::prelude::*;

use super::*;

fn message(flags: u8, words: &[u8]) -> Vec<u8> {
    let length = u32::try_from(words.len()).unwrap().to_be_bytes();
    [&[flags][..], &length, words].concat()
}

fn followed(is_text: bool, data: &[u8]) -> WebReply {
    let mut reply = WebReply::new(is_text);
    reply.follow(data);
    reply
}

fn trailers() -> HeaderMap {
    let mut fields = HeaderMap::new();
    fields.insert("grpc-status", HeaderValue::from_static("14"));
    fields.insert("grpc-message", HeaderValue::from_static("%C3%A9: so"));
    fields
}

#[test]
fn a_message_ends_where_its_length_says() {
    let whole = [message(0, b"abc"), message(1, b""), message(0, &[0x80; 300])].concat();
    let ends = [0, 8, 13, 318];
    for cut in 0..=whole.len() {
        let reply = followed(false, &whole[..cut]);
        assert_eq!(reply.is_between_messages(), ends.contains(&cut), "{cut}");
        assert!(!reply.is_over());
    }
}

#[test]
fn what_is_written_is_read() {
    for is_text in [false, true] {
        let last = WebReply::new(is_text).last_message(&trailers());
        let reply = followed(is_text, &last);
        assert!(reply.is_over() && !reply.is_between_messages());
        assert_eq!(reply.trailers(), trailers());
    }
}

#[test]
fn trailers_of_others_are_read() {
    let block = b"grpc-status:5\r\nGrpc-Message: not here \r\nno colon\r\n";
    let read = followed(false, &message(0x80, block)).trailers();
    assert_eq!(read["grpc-status"], "5");
    assert_eq!(read["grpc-message"], "not here");
    assert_eq!(read.len(), 2);
    let packed = followed(false, &message(0x81, block));
    assert!(packed.is_over() && packed.trailers().is_empty());
    let empty = followed(false, &message(0x80, b""));
    assert!(empty.is_over() && empty.trailers().is_empty());
}

#[test]
fn long_trailers_are_cut() {
    let block = [b"grpc-status: 3\r\nx: ".to_vec(), vec![b'y'; 1 << 20]].concat();
    let reply = followed(false, &message(0x80, &block));
    assert!(reply.is_over());
    assert_eq!(reply.trailers.as_ref().unwrap().len(), MOST_TRAILERS);
    assert_eq!(reply.trailers()["grpc-status"], "3");
}

#[test]
fn what_is_no_base64_is_given_up() {
    for text in ["!!!!", "AAAA====", "AA=A"] {
        let reply = followed(true, text.as_bytes());
        assert!(!reply.is_between_messages() && !reply.is_over(), "{text}");
    }
}

#[test]
fn half_a_quad_is_half_a_message() {
    let text = STANDARD.encode(message(0, b"abcde"));
    assert!(text.ends_with('='));
    for cut in 1..text.len() {
        assert!(!followed(true, &text.as_bytes()[..cut]).is_between_messages(), "{cut}");
    }
    assert!(followed(true, text.as_bytes()).is_between_messages());
}

proptest! {
    #[test]
    fn pieces_do_not_change_the_verdict(
        lengths in proptest::collection::vec(0usize..3000, 0..6),
        cuts in proptest::collection::vec(1usize..1500, 1..20),
        is_text: bool,
        padded: bool,
        ends: bool,
    ) {
        let mut messages: Vec<_> = lengths.iter().map(|length| message(0, &vec![7; *length])).collect();
        if ends {
            messages.push(WebReply::new(false).last_message(&trailers()));
        }
        let whole = match (is_text, padded) {
            (false, _) => messages.concat(),
            (true, false) => STANDARD.encode(messages.concat()).into_bytes(),
            (true, true) => {
                messages.iter().map(|message| STANDARD.encode(message)).collect::<String>().into_bytes()
            }
        };
        let mut reply = WebReply::new(is_text);
        let mut rest = &whole[..];
        for cut in cuts.iter().cycle() {
            if rest.is_empty() {
                break;
            }
            let (piece, after) = rest.split_at((*cut).min(rest.len()));
            reply.follow(piece);
            rest = after;
        }
        prop_assert_eq!(reply.is_over(), ends);
        prop_assert_eq!(reply.is_between_messages(), !ends);
        prop_assert_eq!(reply.trailers().len(), if ends { 2 } else { 0 });
    }

    #[test]
    fn nothing_makes_it_panic(
        pieces in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..60), 0..8),
        is_text: bool,
    ) {
        let mut reply = WebReply::new(is_text);
        pieces.iter().for_each(|piece| reply.follow(piece));
        let _ = reply.trailers();
    }
}
