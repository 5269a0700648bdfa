-- Addresses that hear of what happens to a site's builds.
create table hook (
    id text primary key,
    site_id text not null references site (id) on delete cascade,
    event text not null,
    url text not null,
    created_at bigint not null
);
create index hook_by_site on hook (site_id, id);
