-- Where integrations with a surface are enabled, and what they keep there.
create table integration_enablement (
    scope text not null,
    integration text not null,
    sealed_context text not null,
    version bigint not null,
    build_hook boolean not null,
    connectors boolean not null,
    created_at bigint not null,
    updated_at bigint not null,
    primary key (scope, integration)
);
