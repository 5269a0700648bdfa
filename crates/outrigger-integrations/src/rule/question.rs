//! One condition, compiled: its value in the type in which it is compared.

use std::collections::HashSet;

use regex::{Regex, RegexBuilder};
use serde_json::Value;

use super::check::{quoted, unknown_parts};
use super::{
    Condition, Datum, Fact, FactKind, FactSchema, FactValues, MAX_PATTERN_BYTES, MAX_VALUE_CHARS, MAX_VALUES, Operator,
    Problem, Word,
};

/// What is asked of which fact.
#[derive(Clone, Debug)]
pub(super) struct Question {
    /// Where the fact is in its schema.
    pub(super) at: usize,
    test: Test,
    negative: bool,
}

/// What one value of a fact has to be.
#[derive(Clone, Debug)]
enum Test {
    Any,
    Flag(bool),
    Number(i64),
    Numbers(HashSet<i64>),
    Above(i64),
    Below(i64),
    Text(Box<str>),
    Texts(HashSet<Box<str>>),
    Parts(Box<[Box<str>]>),
    Start(Box<str>),
    End(Box<str>),
    Pattern(Regex),
}

impl Question {
    pub(super) fn compile(condition: &Condition, schema: &FactSchema) -> Result<Self, Problem> {
        if let Some(problem) = unknown_parts(&condition.rest) {
            return Err(problem);
        }
        let unknown_fact = || Problem::UnknownFact(quoted(&condition.fact));
        let at = schema.position(&condition.fact).ok_or_else(unknown_fact)?;
        let fact = &schema.facts()[at];
        let operator = match &condition.operator {
            Word::Known(operator) => *operator,
            Word::Unknown(name) => return Err(Problem::UnknownOperator(quoted(name))),
        };
        if !operator.fits(fact) {
            return Err(Problem::DoesNotFit { fact: fact.label().to_string(), operator });
        }
        let test = compile_test(operator, fact, &condition.value)?;
        Ok(Self { at, test, negative: operator.is_negative() })
    }

    /// Whether the answer is as wanted. Allocates nothing, but for patterns.
    pub(super) fn holds(&self, schema: &FactSchema, facts: &FactValues) -> bool {
        let datum = facts.get_at(self.at, schema.facts()[self.at].name());
        datum.items().any(|item| self.test.accepts(item)) != self.negative
    }

    /// The texts that a value is compared with as a whole: of a reference, the ids.
    pub(super) fn texts(&self) -> impl Iterator<Item = &str> {
        let (one, several) = match &self.test {
            Test::Text(text) => (Some(text), None),
            Test::Texts(texts) => (None, Some(texts)),
            _ => (None, None),
        };
        one.into_iter().chain(several.into_iter().flatten()).map(AsRef::as_ref)
    }
}

impl Test {
    fn accepts(&self, item: &Datum) -> bool {
        let number = |accept: &dyn Fn(i64) -> bool| matches!(item, Datum::Number(number) if accept(*number));
        let text = |accept: &dyn Fn(&str) -> bool| item.text().is_some_and(accept);
        match self {
            Test::Any => true,
            Test::Flag(wanted) => matches!(item, Datum::Flag(flag) if flag == wanted),
            Test::Number(wanted) => number(&|number| number == *wanted),
            Test::Numbers(wanted) => number(&|number| wanted.contains(&number)),
            Test::Above(bound) => number(&|number| number > *bound),
            Test::Below(bound) => number(&|number| number < *bound),
            Test::Text(wanted) => text(&|text| *text == **wanted),
            Test::Texts(wanted) => text(&|text| wanted.contains(text)),
            Test::Parts(parts) => text(&|text| parts.iter().any(|part| text.contains(&**part))),
            Test::Start(start) => text(&|text| text.starts_with(&**start)),
            Test::End(end) => text(&|text| text.ends_with(&**end)),
            Test::Pattern(pattern) => text(&|text| pattern.is_match(text)),
        }
    }
}

fn compile_test(operator: Operator, fact: &Fact, value: &Value) -> Result<Test, Problem> {
    use Operator::*;
    let is_text = matches!(fact.kind(), FactKind::Text);
    match operator {
        IsSet | IsUnset if value.is_null() => Ok(Test::Any),
        IsSet | IsUnset => Err(Problem::WrongValue { expected: "no value" }),
        Contains | DoesNotContain if is_text => Ok(Test::Parts([read_text(fact, value)?].into())),
        ContainsAny | ContainsNone if is_text => {
            let parts: Result<Vec<Box<str>>, _> = read_list(value)?.iter().map(|part| read_text(fact, part)).collect();
            Ok(Test::Parts(parts?.into()))
        }
        Is | IsNot | Contains | DoesNotContain => compile_equal(fact, value),
        OneOf | NoneOf | ContainsAny | ContainsNone => compile_one_of(fact, read_list(value)?),
        StartsWith => read_text(fact, value).map(Test::Start),
        EndsWith => read_text(fact, value).map(Test::End),
        GreaterThan => read_number(value).map(Test::Above),
        LessThan => read_number(value).map(Test::Below),
        Matches | DoesNotMatch => compile_pattern(&read_text(fact, value)?).map(Test::Pattern),
    }
}

fn compile_equal(fact: &Fact, value: &Value) -> Result<Test, Problem> {
    match fact.kind() {
        FactKind::Flag => match value {
            Value::Bool(flag) => Ok(Test::Flag(*flag)),
            _ => Err(Problem::WrongValue { expected: "yes or no" }),
        },
        FactKind::Number => read_number(value).map(Test::Number),
        FactKind::Text | FactKind::Choice(_) | FactKind::Reference { .. } => read_text(fact, value).map(Test::Text),
    }
}

fn compile_one_of(fact: &Fact, values: &[Value]) -> Result<Test, Problem> {
    match fact.kind() {
        FactKind::Number => values.iter().map(read_number).collect::<Result<_, _>>().map(Test::Numbers),
        _ => values.iter().map(|value| read_text(fact, value)).collect::<Result<_, _>>().map(Test::Texts),
    }
}

fn compile_pattern(pattern: &str) -> Result<Regex, Problem> {
    let builder = &mut RegexBuilder::new(pattern);
    builder.size_limit(MAX_PATTERN_BYTES).dfa_size_limit(MAX_PATTERN_BYTES).nest_limit(50);
    builder.build().map_err(|error| match error {
        regex::Error::CompiledTooBig(_) => Problem::Pattern("it is too large".to_owned()),
        // The last line says what is wrong, those before it draw where.
        other => {
            let text = other.to_string();
            let why = text.lines().last().unwrap_or_default();
            Problem::Pattern(why.strip_prefix("error: ").unwrap_or(why).to_owned())
        }
    })
}

fn read_list(value: &Value) -> Result<&[Value], Problem> {
    match value {
        Value::Null => Err(Problem::NoValue),
        Value::Array(values) if values.is_empty() => Err(Problem::NoValue),
        Value::Array(values) if values.len() > MAX_VALUES => Err(Problem::TooManyValues(values.len())),
        Value::Array(values) => Ok(values),
        _ => Err(Problem::WrongValue { expected: "a list of values" }),
    }
}

fn read_number(value: &Value) -> Result<i64, Problem> {
    match value {
        Value::Null => Err(Problem::NoValue),
        Value::String(text) if text.is_empty() => Err(Problem::NoValue),
        _ => value.as_i64().ok_or(Problem::WrongValue { expected: "a whole number" }),
    }
}

fn read_text(fact: &Fact, value: &Value) -> Result<Box<str>, Problem> {
    let text = match (value, fact.kind()) {
        (Value::Null, _) => return Err(Problem::NoValue),
        (Value::String(text), _) => text.as_str().into(),
        // Hosts whose ids are numbers may write them as such.
        (Value::Number(id), FactKind::Reference { .. }) => id.to_string().into_boxed_str(),
        (_, FactKind::Reference { .. }) => return Err(Problem::WrongValue { expected: "the id of what is meant" }),
        _ => return Err(Problem::WrongValue { expected: "a text" }),
    };
    if text.is_empty() {
        return Err(Problem::NoValue);
    }
    if text.chars().nth(MAX_VALUE_CHARS).is_some() {
        return Err(Problem::ValueTooLong);
    }
    match fact.kind() {
        FactKind::Choice(choices) if choices.iter().all(|choice| choice.value != *text) => {
            Err(Problem::NotAChoice(if fact.is_secret() { "***".to_owned() } else { quoted(&text) }))
        }
        _ => Ok(text),
    }
}
