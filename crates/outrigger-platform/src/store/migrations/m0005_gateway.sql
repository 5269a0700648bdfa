-- Where a site's own pages come from, and who makes the tokens of its users.
alter table site add column origin_url text;
alter table site add column sealed_identity text;
alter table site add column function_hooks text;

-- Names of sites beside the one below the base domain, in the order of the site.
create table site_domain (
    host text primary key,
    site_id text not null references site (id) on delete cascade,
    place integer not null
);
create index site_domain_by_site on site_domain (site_id, place);

-- share: percent of the visitors in whose pages it is.
alter table snippet add column enabled boolean not null default true;
alter table snippet add column share integer not null default 100;
alter table addon add column snippets_enabled boolean not null default true;
