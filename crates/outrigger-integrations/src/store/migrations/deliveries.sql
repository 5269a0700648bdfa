-- Ids are text, times are Unix milliseconds. A column named `sealed…` holds records of outrigger_db::KeyRing.

create table integration_event (
    id text primary key,
    name text not null,
    scopes text not null,
    facts text not null,
    payload text not null,
    created_at bigint not null
);
create index integration_event_by_age on integration_event (created_at);

-- How far an event has come with one integration.
create table integration_hearing (
    event_id text not null,
    integration text not null,
    state text not null,
    attempts integer not null,
    deliveries integer not null,
    reason text,
    updated_at bigint not null,
    primary key (event_id, integration)
);

create table integration_delivery (
    id text primary key,
    scope text not null,
    config_id text not null,
    integration text not null,
    origin text not null,
    event_id text,
    sealed_message text not null,
    state text not null,
    attempts integer not null,
    -- Of these attempts, those since it was last put into the queue.
    tries integer not null,
    reason text,
    next_at bigint,
    queued_at bigint not null,
    created_at bigint not null,
    updated_at bigint not null,
    finished_at bigint
);
create index integration_delivery_of_config on integration_delivery (config_id, id);
create index integration_delivery_of_state on integration_delivery (config_id, state, id);
create index integration_delivery_by_day on integration_delivery (config_id, created_at, state);
create index integration_delivery_finished on integration_delivery (finished_at) where finished_at is not null;

create table integration_attempt (
    delivery_id text not null,
    number integer not null,
    outcome text not null,
    status integer,
    summary text not null,
    started_at bigint not null,
    duration_ms bigint,
    primary key (delivery_id, number)
);

-- What is known of the queue of a configuration.
create table integration_queue (
    config_id text primary key,
    busy_until bigint not null,
    delivered_at bigint,
    failing_since bigint,
    failures integer not null,
    reason text,
    switched_off_at bigint
);

create table integration_run (
    id text primary key,
    scope text not null,
    config_id text not null,
    integration text not null,
    subject text not null,
    token_hash text not null unique,
    state text not null,
    progress text,
    link text,
    rerun_of text,
    deadline_at bigint not null,
    created_at bigint not null,
    updated_at bigint not null,
    finished_at bigint
);
create index integration_run_of_config on integration_run (config_id, id);
create index integration_run_finished on integration_run (finished_at) where finished_at is not null;

-- Inbound messages that have been taken: the same id again is a replay.
create table integration_received (
    config_id text not null,
    message_id text not null,
    received_at bigint not null,
    primary key (config_id, message_id)
);
create index integration_received_by_age on integration_received (received_at);

create table integration_notice (
    id text primary key,
    scope text not null,
    config_id text,
    integration text not null,
    kind text not null,
    reason text not null,
    created_at bigint not null
);
create index integration_notice_of_scope on integration_notice (scope, id);
