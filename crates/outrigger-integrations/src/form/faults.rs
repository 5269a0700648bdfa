//! What is wrong with the values of a form.

use std::fmt;

use crate::Text;

/// What is wrong with the values of a form: by field, in the order of the form, and about the form as a whole.
///
/// ```
/// use outrigger_integrations::form::FieldFaults;
///
/// let mut faults = FieldFaults::default();
/// assert!(faults.is_empty());
/// faults.add("channel", "There is no such channel.");
/// assert_eq!(faults.of("channel").len(), 1);
/// assert_eq!(faults.to_string(), "channel: There is no such channel.");
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FieldFaults {
    fields: Vec<(String, Vec<Text>)>,
    form: Vec<Text>,
}

impl FieldFaults {
    /// Adds a fault of one field.
    pub fn add(&mut self, field: &str, fault: impl Into<Text>) {
        match self.fields.iter_mut().find(|(name, _)| name == field) {
            Some((_, faults)) => faults.push(fault.into()),
            None => self.fields.push((field.to_owned(), vec![fault.into()])),
        }
    }

    /// Adds a fault of the form as a whole.
    pub fn add_to_form(&mut self, fault: impl Into<Text>) {
        self.form.push(fault.into());
    }

    /// Whether nothing is wrong.
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty() && self.form.is_empty()
    }

    /// What is wrong with this field.
    pub fn of(&self, field: &str) -> &[Text] {
        self.fields.iter().find(|(name, _)| name == field).map_or(&[], |(_, faults)| faults)
    }

    /// What is wrong with the form as a whole.
    pub fn of_form(&self) -> &[Text] {
        &self.form
    }

    /// The fields with faults, and these.
    pub fn fields(&self) -> impl Iterator<Item = (&str, &[Text])> {
        self.fields.iter().map(|(name, faults)| (name.as_str(), faults.as_slice()))
    }

    /// Takes over all faults of the other.
    pub fn append(&mut self, other: Self) {
        for (field, faults) in other.fields {
            for fault in faults {
                self.add(&field, fault);
            }
        }
        self.form.extend(other.form);
    }
}

/// Without translation, on one line. It names fields and never repeats their values.
impl fmt::Display for FieldFaults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let of_fields =
            self.fields.iter().flat_map(|(name, faults)| faults.iter().map(move |fault| (Some(name), fault)));
        for (at, (name, fault)) in self.form.iter().map(|fault| (None, fault)).chain(of_fields).enumerate() {
            if at > 0 {
                f.write_str(" ")?;
            }
            if let Some(name) = name {
                write!(f, "{name}: ")?;
            }
            write!(f, "{fault}")?;
        }
        Ok(())
    }
}

impl std::error::Error for FieldFaults {}
