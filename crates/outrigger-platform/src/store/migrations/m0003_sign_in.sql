-- Whoever can read these tables can sign in as nobody: cookies, links and tickets are kept as hashes.

create table session (
    id text primary key,
    user_id text not null references person (id) on delete cascade,
    hash text not null unique,
    way text not null,
    user_agent text not null,
    address text not null,
    created_at bigint not null,
    last_used_at bigint not null,
    expires_at bigint not null
);
create index session_by_user on session (user_id, id);
create index session_by_expiry on session (expires_at);

create table sign_in_link (
    hash text primary key,
    user_id text not null references person (id) on delete cascade,
    created_at bigint not null,
    expires_at bigint not null
);
create index sign_in_link_by_expiry on sign_in_link (expires_at);

-- Failures since the window began, per account and per address.
create table sign_in_attempt (
    subject text primary key,
    failures bigint not null,
    window_began_at bigint not null
);
create index sign_in_attempt_by_window on sign_in_attempt (window_began_at);

-- A program that asks for a token in a person's name.
create table ticket (
    hash text primary key,
    client_id text not null,
    address text not null,
    state text not null,
    user_id text references person (id) on delete cascade,
    created_at bigint not null,
    expires_at bigint not null
);
create index ticket_by_expiry on ticket (expires_at);
