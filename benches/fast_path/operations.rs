//! GraphQL: an operation at the door, and a reply that goes by.

use std::hint::black_box;

use guichet::outcome::graphql::{Payload, ReplySkimmer, skim};

use crate::Part;

pub(crate) const PARTS: &[Part] = &[
    Part::new("operations/mutation", || {
        Box::new(|| {
            let operation = skim(black_box(MUTATION), None, 5000).unwrap();
            assert_eq!(black_box(operation).depth, 5);
        })
    }),
    Part::new("operations/reply_100k", || {
        let row =
            r#"{"id":"7f0c","name":"A \"quoted\" name","tags":["a","b"],"price":{"cents":1250}},"#;
        let rows = row.repeat((100 << 10) / row.len());
        let reply = format!("{{\"data\":{{\"rows\":[{}]}}}}", rows.trim_end_matches(','));
        let names: [Box<[Box<str>]>; 2] =
            [Box::new(["errors".into()]), Box::new(["warnings".into()])];
        Box::new(move || {
            let [errors, warnings] = &names;
            let mut skimmer = ReplySkimmer::new(Payload { errors, warnings });
            black_box(reply.as_bytes()).chunks(16 << 10).for_each(|piece| skimmer.read(piece));
            assert!(black_box(skimmer.verdict()).data);
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
