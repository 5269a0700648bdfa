//! Rules in HTML forms.
