//! GraphQL: an operation at the door, and a reply that goes by.

use std::hint::black_box;

use guichet::outcome::graphql::{Payload, judge, skim};

use crate::Part;

pub(crate) const PARTS: &[Part] = &[
    Part::new("operations/mutation", || {
        Box::new(|| {
            let operation = skim(black_box(MUTATION), None, 5000).unwrap();
            assert_eq!(black_box(operation).depth, 5);
        })
    }),
    Part::new("operations/reply_100k_clean", || {
        let (payload, reply) = (payload(), reply("rows"));
        Box::new(move || {
            let pieces = black_box(reply.as_bytes()).chunks(16 << 10);
            assert!(black_box(judge(pieces, &payload, false)).data);
        })
    }),
    Part::new("operations/reply_100k_skimmed", || {
        // A member of that name is enough: whoever finds it has to know where it stands.
        let (payload, reply) = (payload(), reply("warnings"));
        Box::new(move || {
            let pieces = black_box(reply.as_bytes()).chunks(16 << 10);
            assert!(black_box(judge(pieces, &payload, false)).data);
        })
    }),
];

/// About 450 bytes.
const MUTATION: &str = "mutation Checkout($cart: ID!, $card: CardInput!, $notes: [String!] = []) {
  checkout(cart: $cart, card: $card, notes: $notes, gift: { wrap: true, text: \"Merci\" }) {
    order { ...OrderParts total { amount currency } }
    errors { code message path }
    warnings { message }
  }
}
fragment OrderParts on Order @include(if: true) {
  id
  placedAt
  lines(first: 20) { sku quantity price { amount currency } }
  shipping { street city zip country }
}
";

fn payload() -> Payload {
    Payload::new(Box::new(["errors".into()]), Box::new(["warnings".into()]))
}

/// About 100 KiB without an error, under a field of this name.
fn reply(field: &str) -> String {
    let row =
        r#"{"id":"7f0c","name":"A \"quoted\" name","tags":["a","b"],"price":{"cents":1250}},"#;
    let rows = row.repeat((100 << 10) / row.len());
    format!("{{\"data\":{{\"{field}\":[{}]}}}}", rows.trim_end_matches(','))
}
