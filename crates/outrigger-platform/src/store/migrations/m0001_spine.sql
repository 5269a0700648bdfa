-- Ids are text (see store/ids.rs), times are Unix milliseconds (store/time.rs).
-- A column named `sealed…` holds records of outrigger_db::KeyRing; nothing secret is in any other column.

create table account (
    id text primary key,
    slug text not null unique,
    name text not null,
    created_at bigint not null,
    updated_at bigint not null
);

-- `user` is a reserved word in PostgreSQL.
create table person (
    id text primary key,
    email text not null unique,
    full_name text not null,
    password_hash text,
    operator boolean not null,
    created_at bigint not null,
    last_login_at bigint
);

create table membership (
    account_id text not null references account (id) on delete cascade,
    user_id text not null references person (id) on delete cascade,
    role text not null,
    primary key (account_id, user_id)
);
create index membership_by_user on membership (user_id);

create table token (
    id text primary key,
    user_id text not null references person (id) on delete cascade,
    account_id text references account (id) on delete cascade,
    name text not null,
    hash text not null unique,
    scope text not null,
    created_at bigint not null,
    expires_at bigint,
    last_used_at bigint,
    revoked_at bigint
);
create index token_by_user on token (user_id);

create table site (
    id text primary key,
    account_id text not null references account (id),
    name text not null unique,
    build_webhook_url text,
    sealed_build_webhook_secret text,
    created_at bigint not null,
    updated_at bigint not null
);
create index site_by_account on site (account_id, id);

create table addon (
    id text primary key,
    slug text not null unique,
    title text not null,
    description text not null,
    icon text not null,
    url text not null,
    manifest_path text not null,
    auth text not null,
    staging boolean not null,
    manifest text not null,
    manifest_etag text,
    manifest_fetched_at bigint not null,
    manifest_error text,
    retired_at bigint,
    created_at bigint not null,
    updated_at bigint not null
);

-- The newest secret that is already active signs. An older one stays valid at the partner until then.
create table addon_secret (
    id text primary key,
    addon_id text not null references addon (id) on delete cascade,
    sealed text not null,
    active_from bigint not null,
    created_at bigint not null
);
create index addon_secret_by_addon on addon_secret (addon_id, active_from);

-- id: the uuid we make, the idempotency key at the partner. remote_id: the id the partner makes.
-- reach: what may exist at the partner (nothing, maybe, made); written before and after each call.
create table instance (
    id text primary key,
    site_id text not null references site (id),
    addon_id text not null references addon (id),
    state text not null,
    reason text,
    fault text,
    state_since bigint not null,
    reach text not null,
    remote_id text,
    endpoint text,
    message text,
    replace_env boolean not null,
    sealed_config text not null,
    sealed_pending_config text,
    sealed_answer text,
    sealed_secrets text not null,
    created_at bigint not null,
    updated_at bigint not null
);
-- One instance per site and add-on; a tombstone does not count.
create unique index instance_of_site on instance (site_id, addon_id) where state <> 'detached';
-- Lists show tombstones too, so the unique index above does not serve them.
create index instance_by_site on instance (site_id, id);
create index instance_by_addon on instance (addon_id, id);

create table env_var (
    id text primary key,
    account_id text not null references account (id) on delete cascade,
    site_id text references site (id) on delete cascade,
    instance_id text references instance (id) on delete cascade,
    name text not null,
    scopes text not null,
    is_secret boolean not null,
    updated_by text references person (id) on delete set null,
    updated_at bigint not null
);
create unique index env_var_of_site on env_var (site_id, name) where site_id is not null;
create unique index env_var_of_account on env_var (account_id, name) where site_id is null;
create index env_var_by_instance on env_var (instance_id);

create table env_value (
    id text primary key,
    var_id text not null references env_var (id) on delete cascade,
    context text not null,
    context_parameter text not null,
    sealed text not null
);
create unique index env_value_of_context on env_value (var_id, context, context_parameter);

create table snippet (
    id text primary key,
    site_id text not null references site (id) on delete cascade,
    instance_id text references instance (id) on delete cascade,
    title text not null,
    position text not null,
    html text not null,
    created_at bigint not null,
    updated_at bigint not null
);
create index snippet_by_site on snippet (site_id, id);
create index snippet_by_instance on snippet (instance_id);

-- The id is the secret of the hook's URL.
create table build_hook (
    id text primary key,
    site_id text not null references site (id) on delete cascade,
    instance_id text references instance (id) on delete cascade,
    title text not null,
    branch text not null,
    created_at bigint not null
);
create index build_hook_by_site on build_hook (site_id);
create index build_hook_by_instance on build_hook (instance_id);

-- A build that was asked for, and what became of telling the site's build webhook.
create table delivery (
    id text primary key,
    site_id text not null references site (id) on delete cascade,
    hook_title text not null,
    url text not null,
    body text not null,
    state text not null,
    created_at bigint not null,
    finished_at bigint
);
create index delivery_by_site on delivery (site_id, id);

create table delivery_attempt (
    id text primary key,
    delivery_id text not null references delivery (id) on delete cascade,
    status integer,
    error text,
    duration_ms bigint not null,
    started_at bigint not null
);
create index delivery_attempt_by_delivery on delivery_attempt (delivery_id, id);
