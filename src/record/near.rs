//! Members that fit nothing, but nearly fit a field. Where all others are
//! passed over, these are not: a value that somebody meant to be signed must
//! not be left out because its name has one letter too many.

use super::columns::{Plan, normal};

/// Shorter names are near to too many words.
const SHORTEST: usize = 4;

impl Plan<'_> {
    /// The field whose name differs by one letter from that of a member which
    /// fits nothing.
    pub fn near_field(&self, name: &str) -> Option<&'static str> {
        if self.roles(name).is_some() {
            return None;
        }
        let name: String = normal(name).collect();
        if name.len() < SHORTEST {
            return None;
        }
        let is_near = |field: &str| {
            let field: String = normal(field).collect();
            strsim::osa_distance(&name, &field) == 1
        };
        let mut fields = self.rules().fields();
        fields.find_map(|(_, field)| is_near(field.name).then_some(field.name))
    }

    /// The name of the field that a member of this name gives.
    pub fn field_of_member(&self, name: &str) -> Option<&'static str> {
        let at = self.roles(name)?.field?;
        Some(self.rules().format().field_at(at).name)
    }
}
