use super::*;

/// Bytes that wait, by one slot's account.
#[derive(Default)]
struct Books(AtomicUsize);

impl Ledger for Books {
    fn release(&self, slot: u32, _: Released) {
        assert_eq!(slot, 7);
    }

    fn queue(&self, delta: isize) {
        self.0.fetch_add(delta as usize, Ordering::Relaxed);
    }
}

fn with_a_message(books: &Arc<Books>) -> Handle {
    let handle = Handle::new(
        Protocol::LengthPrefixed,
        &Rates::default(),
        books.clone(),
        7,
    );
    handle.send(Class::Normal, &[0, 0, 0, 3, 1, 2, 3], None);
    assert_eq!(books.0.load(Ordering::Relaxed), 3);
    handle
}

#[test]
fn what_waits_for_a_connection_that_never_comes_is_taken_off_the_books_once() {
    let books = Arc::new(Books::default());
    drop(with_a_message(&books));
    assert_eq!(books.0.load(Ordering::Relaxed), 0);
    let handle = with_a_message(&books);
    handle.abandon(false);
    assert_eq!(books.0.load(Ordering::Relaxed), 0);
    drop(handle);
    assert_eq!(books.0.load(Ordering::Relaxed), 0);
}

#[test]
fn what_stays_pins_no_more_than_twice_itself() {
    let batch = Bytes::from(vec![7; 100]);
    let small = keep(&batch[..49], Some(&batch));
    let large = keep(&batch[50..], Some(&batch));
    assert_ne!(small.as_ptr(), batch.as_ptr());
    assert_eq!(large.as_ptr(), batch[50..].as_ptr());
    assert_eq!((small.len(), large.len()), (49, 50));
    assert_ne!(keep(&batch, None).as_ptr(), batch.as_ptr());
}
