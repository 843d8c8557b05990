-- Read models, written by the journal writer in the same transaction as their events and read by tenants.
-- Every order writes these, so each index has to earn its place.

create table trade_order (
    tenant_id uuid not null,
    id uuid not null,
    client_order_id text not null,
    venue_client_id text not null,
    portfolio text not null,
    account text not null,
    mode text not null check (mode in ('paper', 'live')),
    symbol text not null,
    side text not null check (side in ('buy', 'sell')),
    -- Derived by the domain; no list here, or every new status would need a migration before its code.
    status text not null,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    created_seq bigint not null check (created_seq > 0),
    updated_seq bigint not null check (updated_seq >= created_seq),
    -- The whole order as JSON, fills included.
    body text not null,
    primary key (tenant_id, id),
    constraint trade_order_client_order_id_key unique (tenant_id, client_order_id)
)
-- An order is updated a few times and none of the indexed columns change: room on the page makes these updates
-- heap-only.
with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.05);
-- A late report of the venue names the order by this id only.
create index trade_order_venue_client_id_idx on trade_order (tenant_id, venue_client_id);
-- Listing, newest first, by keyset.
create index trade_order_created_at_idx on trade_order (tenant_id, created_at desc, id desc);
alter table trade_order enable row level security;
alter table trade_order force row level security;
create policy tenant_of_transaction on trade_order to bulkhead_app using (tenant_id = (select app_tenant()));
create policy declared_batch on trade_order to bulkhead_writer
    using (tenant_id = any ((select current_setting('app.tenants')::uuid[])::uuid[]))
    with check (tenant_id = any ((select current_setting('app.tenants')::uuid[])::uuid[]));
grant select on trade_order to bulkhead_app;
grant select, insert, update on trade_order to bulkhead_writer;

create table fill (
    tenant_id uuid not null,
    account text not null,
    execution_id text not null,
    order_id uuid not null,
    -- The event that booked it.
    seq bigint not null check (seq > 0),
    portfolio text not null,
    mode text not null check (mode in ('paper', 'live')),
    symbol text not null,
    side text not null check (side in ('buy', 'sell')),
    price numeric not null check (price > 0),
    quantity numeric not null check (quantity > 0),
    fee numeric not null,
    fee_currency text not null,
    liquidity text not null check (liquidity in ('maker', 'taker')),
    venue_ts timestamptz not null,
    recorded_at timestamptz not null,
    -- An execution counts once, whatever any code believes.
    constraint fill_execution_id_key primary key (tenant_id, account, execution_id)
);
-- One event books one fill, so seq is a total order of a tenant's fills; newest first is its reverse.
create unique index fill_seq_key on fill (tenant_id, seq);
alter table fill enable row level security;
alter table fill force row level security;
create policy tenant_of_transaction on fill to bulkhead_app using (tenant_id = (select app_tenant()));
create policy declared_batch on fill to bulkhead_writer
    with check (tenant_id = any ((select current_setting('app.tenants')::uuid[])::uuid[]));
grant select on fill to bulkhead_app;
grant insert on fill to bulkhead_writer;

create table position (
    tenant_id uuid not null,
    portfolio text not null,
    account text not null,
    symbol text not null,
    -- Long is positive, short negative.
    quantity numeric not null,
    -- What the open quantity cost, with the quantity's sign.
    cost numeric not null,
    realized_pnl numeric not null,
    fees numeric not null,
    -- The event up to which this is the fold.
    seq bigint not null check (seq > 0),
    primary key (tenant_id, portfolio, account, symbol)
)
with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_cost_delay = 0);
alter table position enable row level security;
alter table position force row level security;
create policy tenant_of_transaction on position to bulkhead_app using (tenant_id = (select app_tenant()));
create policy declared_batch on position to bulkhead_writer
    using (tenant_id = any ((select current_setting('app.tenants')::uuid[])::uuid[]))
    with check (tenant_id = any ((select current_setting('app.tenants')::uuid[])::uuid[]));
grant select on position to bulkhead_app;
grant select, insert, update on position to bulkhead_writer;
