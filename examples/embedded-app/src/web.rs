//! The board's own pages.

use askama::Template;
use axum::extract::{Form, Path, Request, State};
use axum::middleware::{self, Next};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum::{Extension, Router};
use http::{HeaderMap, StatusCode, header};
use serde::Deserialize;
use tower_http::csrf::CsrfLayer;

use crate::app::App;
use crate::people::Person;
use crate::reviews::{NewReview, Review, ReviewError};

// [guide: router]
/// Every address of the board.
pub fn router(app: &App) -> Router {
    let board = Router::new()
        .route("/", get(list_reviews).post(open_review))
        .route("/reviews/{id}", get(show_review))
        .route("/reviews/{id}/approve", post(approve_review))
        .route("/reviews/{id}/close", post(close_review))
        .route("/sign-in", get(choose_person).post(sign_in))
        .layer(CsrfLayer::new())
        .with_state(app.clone());
    board
        .merge(crate::pages::router(&app.manager))
        .layer(middleware::from_fn_with_state(app.clone(), identify))
        .route("/board.css", get(style))
}
// [end]

/// Finds out whose browser it is, for the handlers and for the policy of the integrations' pages.
async fn identify(State(app): State<App>, mut request: Request, next: Next) -> Response {
    if let Some(secret) = cookie(request.headers()) {
        match app.people.signed_in(secret).await {
            Ok(Some(person)) => _ = request.extensions_mut().insert(person),
            Ok(None) => {}
            Err(error) => return Failure::Store(error.to_string()).into_response(),
        }
    }
    next.run(request).await
}

fn cookie(headers: &HeaderMap) -> Option<&str> {
    let cookies = headers.get(header::COOKIE)?.to_str().ok()?;
    cookies.split(';').find_map(|cookie| cookie.trim().strip_prefix("board="))
}

/// Why there is no page.
enum Failure {
    SignIn,
    NotFound,
    NotOpen,
    Store(String),
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let (status, text) = match self {
            Failure::SignIn => return Redirect::to("/sign-in").into_response(),
            Failure::NotFound => (StatusCode::NOT_FOUND, "There is no such review.".to_owned()),
            Failure::NotOpen => (StatusCode::CONFLICT, "This review is not open any more.".to_owned()),
            Failure::Store(why) => (StatusCode::INTERNAL_SERVER_ERROR, format!("The board cannot do that now: {why}")),
        };
        (status, text).into_response()
    }
}

impl From<ReviewError> for Failure {
    fn from(error: ReviewError) -> Self {
        match error {
            ReviewError::NotOpen => Self::NotOpen,
            ReviewError::Store(error) => Self::Store(error.to_string()),
        }
    }
}

impl From<sea_orm::DbErr> for Failure {
    fn from(error: sea_orm::DbErr) -> Self {
        Self::Store(error.to_string())
    }
}

type Visitor = Option<Extension<Person>>;

fn known(visitor: Visitor) -> Result<Person, Failure> {
    visitor.map(|Extension(person)| person).ok_or(Failure::SignIn)
}

#[derive(Template)]
#[template(path = "document.html")]
struct Document<'a> {
    title: &'a str,
    person: Option<&'a Person>,
    styles: &'a [String],
    scripts: &'a [String],
    body: &'a str,
}

/// A whole document in the board's layout. `body` is HTML.
pub fn document(title: &str, person: Option<&Person>, styles: &[String], scripts: &[String], body: &str) -> String {
    // Templates are checked when they are compiled; what is left to fail is writing to memory.
    Document { title, person, styles, scripts, body }.render().unwrap_or_default()
}

fn page(title: &str, person: Option<&Person>, body: &impl Template) -> Html<String> {
    Html(document(title, person, &[], &[], &body.render().unwrap_or_default()))
}

#[derive(Template)]
#[template(path = "reviews.html")]
struct ReviewsPage {
    reviews: Vec<Review>,
}

#[derive(Template)]
#[template(path = "review.html")]
struct ReviewPage {
    review: Review,
    open: bool,
}

#[derive(Template)]
#[template(path = "sign_in.html")]
struct SignInPage {
    people: Vec<Person>,
}

async fn list_reviews(State(app): State<App>, visitor: Visitor) -> Result<Html<String>, Failure> {
    let person = known(visitor)?;
    Ok(page("Reviews", Some(&person), &ReviewsPage { reviews: app.reviews.all().await? }))
}

async fn open_review(
    State(app): State<App>,
    visitor: Visitor,
    Form(new): Form<NewReview>,
) -> Result<Redirect, Failure> {
    let review = app.reviews.open(new, &known(visitor)?.id).await?;
    Ok(Redirect::to(&format!("/reviews/{}", review.id)))
}

async fn show_review(State(app): State<App>, visitor: Visitor, Path(id): Path<i64>) -> Result<Html<String>, Failure> {
    let person = known(visitor)?;
    let review = app.reviews.find(id).await?.ok_or(Failure::NotFound)?;
    let open = review.state == crate::host::State::Open;
    Ok(page(&review.title.clone(), Some(&person), &ReviewPage { review, open }))
}

async fn approve_review(State(app): State<App>, visitor: Visitor, Path(id): Path<i64>) -> Result<Redirect, Failure> {
    app.reviews.approve(id, &known(visitor)?.id).await?;
    Ok(Redirect::to(&format!("/reviews/{id}")))
}

async fn close_review(State(app): State<App>, visitor: Visitor, Path(id): Path<i64>) -> Result<Redirect, Failure> {
    known(visitor)?;
    app.reviews.close(id).await?;
    Ok(Redirect::to(&format!("/reviews/{id}")))
}

async fn choose_person(State(app): State<App>, visitor: Visitor) -> Result<Html<String>, Failure> {
    let person = visitor.map(|Extension(person)| person);
    Ok(page("Who are you?", person.as_ref(), &SignInPage { people: app.people.all().await? }))
}

#[derive(Deserialize)]
struct SignIn {
    person: String,
}

async fn sign_in(State(app): State<App>, Form(form): Form<SignIn>) -> Result<Response, Failure> {
    let Some(person) = app.people.find(&form.person).await? else { return Err(Failure::SignIn) };
    let cookie = format!("board={}; Path=/; HttpOnly; SameSite=Lax", app.people.sign_in(&person.id));
    Ok(([(header::SET_COOKIE, cookie)], Redirect::to("/")).into_response())
}

async fn style() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/css; charset=utf-8")], include_str!("board.css"))
}
