//! Bodies that are still coming in while they are sent on: how many, on one worker.

use std::cell::Cell;
use std::rc::Rc;

/// Counts the bodies of one worker that are sent on before they are whole.
#[derive(Debug, Default)]
pub struct Uploads(Rc<Cell<usize>>);

/// One of them, for as long as it lives.
#[derive(Debug)]
pub struct Upload(Rc<Cell<usize>>);

impl Uploads {
    /// How many there are.
    pub fn count(&self) -> usize {
        self.0.get()
    }

    /// One more.
    pub fn begin(&self) -> Upload {
        self.0.set(self.0.get() + 1);
        Upload(Rc::clone(&self.0))
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        self.0.set(self.0.get() - 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_over_does_not_count() {
        let uploads = Uploads::default();
        let (first, second) = (uploads.begin(), uploads.begin());
        assert_eq!(uploads.count(), 2);
        drop(first);
        assert_eq!(uploads.count(), 1);
        drop(uploads);
        drop(second);
    }
}
