//! Features for learning, from bars and from the book.
