-- Ownership (node, shard), the fence (journal_head), the journal and the snapshots that shorten its replay.

-- A process that may own shards. Time is the database's alone: nobody compares clocks of two machines.
create table node (
    node_id text primary key check (length(node_id) between 1 and 64),
    -- One life of the process. A lease that ran out is never revived under the same incarnation.
    incarnation uuid not null,
    addr text not null,
    lease_until timestamptz not null,
    draining boolean not null default false
);
grant select, insert, update, delete on node to bulkhead_system;
-- Beaten every few seconds by every node; room on the page keeps those updates out of the index.
alter table node set (fillfactor = 50);

create table shard (
    shard_id smallint primary key check (shard_id between 0 and 255),
    -- Bumped by every claim, never lowered: what the owner's appends are fenced by.
    epoch bigint not null default 0 check (epoch >= 0),
    owner text,
    owner_incarnation uuid,
    -- The node a balancer wants the shard to go to.
    desired text,
    state text not null default 'free' check (state in ('free', 'owned', 'draining')),
    check ((owner is null) = (state = 'free') and (owner_incarnation is null) = (owner is null))
);
alter table shard set (fillfactor = 50);
grant select, update on shard to bulkhead_system;
insert into shard (shard_id) select generate_series(0, 255);

-- One row per tenant: the fence and the end of the chain. An append moves it from the (epoch, incarnation,
-- seq) it expects or does nothing.
create table journal_head (
    tenant_id uuid primary key references tenant (id),
    shard_id smallint not null references shard (shard_id),
    epoch bigint not null check (epoch >= 0),
    incarnation uuid not null,
    seq bigint not null check (seq >= base_seq),
    hash bytea not null check (octet_length(hash) = 32),
    -- Rows up to base_seq are archived elsewhere; the chain goes on from base_hash.
    base_seq bigint not null default 0 check (base_seq >= 0),
    base_hash bytea not null check (octet_length(base_hash) = 32)
)
-- Updated by every commit of its tenant: half-empty pages keep the new versions on the same page (no index
-- writes), and the vacuum comes early because the table is small and hot.
with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_cost_delay = 0);
alter table journal_head enable row level security;
alter table journal_head force row level security;
create policy tenant_of_transaction on journal_head to bulkhead_app using (tenant_id = (select app_tenant()));
-- The batch the writer declared. The inner select is what makes the list an InitPlan, parsed once per statement
-- and not once per row; the cast on it keeps it from being read as any(subquery).
create policy declared_batch on journal_head to bulkhead_writer
    using (tenant_id = any ((select current_setting('app.tenants')::uuid[])::uuid[]));
create policy platform on journal_head to bulkhead_system using (true) with check (true);
grant select on journal_head to bulkhead_app;
-- The writer moves the chain and cannot touch the fence; the platform moves the fence and cannot touch the chain.
grant select, update (seq, hash) on journal_head to bulkhead_writer;
grant select, insert, update (epoch, incarnation) on journal_head to bulkhead_system;

create table journal (
    tenant_id uuid not null,
    seq bigint not null check (seq > 0),
    epoch bigint not null,
    -- Not unique by an index: the head's compare-and-set already lets each event in once, an ambiguous commit is
    -- resolved by the head's hash (which covers the id), and the index would cost every append a random page.
    event_id uuid not null,
    kind text not null,
    version smallint not null,
    -- Text, because the hash covers its exact bytes; jsonb would not keep them. Cast when queried.
    payload text not null,
    hash bytea not null check (octet_length(hash) = 32),
    recorded_at timestamptz not null,
    primary key (tenant_id, seq)
);
alter table journal enable row level security;
alter table journal force row level security;
create policy tenant_of_transaction on journal to bulkhead_app using (tenant_id = (select app_tenant()));
create policy declared_batch on journal to bulkhead_writer
    with check (tenant_id = any ((select current_setting('app.tenants')::uuid[])::uuid[]));
grant select on journal to bulkhead_app;
-- Append-only by grant: nobody but the owner can change or delete a row.
grant insert on journal to bulkhead_writer;

-- A folded state at a place in the journal. May be deleted at any time; replay only takes longer.
create table snapshot (
    tenant_id uuid not null,
    seq bigint not null check (seq >= 0),
    version smallint not null,
    -- The chain's hash at seq, so that a state that ran ahead of the journal can never be stored.
    hash bytea not null check (octet_length(hash) = 32),
    body bytea not null,
    primary key (tenant_id, seq)
);
alter table snapshot enable row level security;
alter table snapshot force row level security;
create policy tenant_of_transaction on snapshot to bulkhead_app
    using (tenant_id = (select app_tenant())) with check (tenant_id = (select app_tenant()));
grant select, insert, update, delete on snapshot to bulkhead_app;
