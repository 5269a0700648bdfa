//! A form as documentation.

use super::FormSchema;

impl FormSchema {
    /// The form as Markdown.
    pub fn docs(&self) -> String {
        String::new()
    }
}
