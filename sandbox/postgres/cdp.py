"""A customer data platform as a marketing group has one: three systems, their tenants, made-up customers.

The tables are those of the worker that this app replaces, with its names and types.
"""

from __future__ import annotations

from sandbox.postgres.server import PostgresServer

SYSTEMS = {"kangoo": (20, 25), "brio": (100, 107, 112, 118), "nube": (28,)}
TENANTS = tuple(tenant for tenants in SYSTEMS.values() for tenant in tenants)
SEGMENTS = ("Champions", "Loyal", "Promising", "At Risk", "Lost", "Hibernating")

TABLES = (
    "create schema cdp",
    """create table customers_master (
      id bigint primary key, tenant_id int not null, email varchar(255), phone varchar(40), firstname varchar(80),
      lastname varchar(80), accepts_marketing boolean, created_at timestamptz not null default now())""",
    "create table cdp.cdp_rfm_analysis (customer_id bigint primary key, rfm_segment varchar(40))",
    "create table cdp.cdp_clv_analysis (customer_id bigint primary key, predicted_clv numeric(12, 2))",
    """create table cdp.facebook_configurations (
      id serial primary key, system_name varchar(80) unique not null, ad_account_id varchar(40) not null,
      tenant_ids int[] not null, custom_audience_id varchar(40), is_active boolean default true,
      schedule_hours int default 48, last_sync timestamp, next_sync timestamp, total_customers int default 0,
      sync_status varchar(40) default 'pending', error_log text, created_at timestamp default now(),
      updated_at timestamp default now())""",
)
INDEXES = (
    "create index on customers_master (tenant_id, id)",
    "create index on customers_master (email)",
    "analyze",
)


def create_tables(server: PostgresServer) -> None:
    """Create the tables, without rows."""
    server.run(*TABLES)


def add_customers(server: PostgresServer, customers: int, *, tenants: tuple[int, ...] = TENANTS) -> None:
    """Add made-up customers, numbered from 1, in turn to the tenants; the same number makes the same people.

    One in 20 has no e-mail address, one in 50 one that cannot be right, 1 in 4 no phone; 3 in 100 have not been
    asked for consent and 7 in 100 refuse it; two of six segments are those that are left out.
    """
    tenant_list = ",".join(map(str, tenants))
    segment_list = ",".join(f"'{segment}'" for segment in SEGMENTS)
    server.run(
        f"""insert into customers_master (id, tenant_id, email, phone, firstname, lastname, accepts_marketing)
        select n, (array[{tenant_list}])[1 + n % {len(tenants)}],
          case when n % 20 = 7 then null when n % 50 = 9 then 'no address'
            else 'person' || n || '@example.com' end,
          case when n % 4 = 3 then null else '+54 9 11 ' || (40000000 + n % 50000000) end,
          'First' || n % 900, 'Last' || n % 2000,
          case when n % 100 < 3 then null else n % 100 >= 10 end
        from generate_series(1, {customers}) as n""",
        f"""insert into cdp.cdp_rfm_analysis select n, (array[{segment_list}])[1 + n % {len(SEGMENTS)}]
        from generate_series(1, {customers}) as n where n % 11 <> 0""",
        f"""insert into cdp.cdp_clv_analysis select n, (n % 5000) / 4.0 from generate_series(1, {customers}) as n
        where n % 13 <> 0""",
        *INDEXES,
    )


def add_configurations(server: PostgresServer, accounts: dict[str, str]) -> None:
    """Add a row for each system, for the ad account that is given for its name."""
    server.run(
        *(
            "insert into cdp.facebook_configurations (system_name, ad_account_id, tenant_ids)"
            f" values ('{system}', '{accounts[system]}', array[{','.join(map(str, tenants))}])"
            for system, tenants in SYSTEMS.items()
        )
    )
