-- Adds to your tables what Audience Activation can use, and only what is missing: run it as often as you like.
-- The names are yours to change, in revert.sql as well. Whatever this adds carries a comment, by which revert.sql
-- finds it. Until accepts_marketing is filled, nobody has consented and nobody is sent.
do $migration$
declare
  configurations constant regclass := 'cdp.facebook_configurations';
  customers constant regclass := 'customers_master';
  wanted record;
begin
  for wanted in
    select * from (values
      (customers, 'accepts_marketing', 'boolean'),
      (configurations, 'platform', 'text not null default ''meta'''),
      (configurations, 'audience_template', 'text'),
      (configurations, 'excluded_segments', 'text[] not null default array[''Lost'', ''Hibernating'']'),
      (configurations, 'time_zone', 'text not null default ''America/Argentina/Buenos_Aires''')
    ) as columns (place, name, definition)
  loop
    if not exists (
      select 1 from pg_attribute where attrelid = wanted.place and attname = wanted.name and not attisdropped
    ) then
      execute format('alter table %s add column %I %s', wanted.place, wanted.name, wanted.definition);
      execute format('comment on column %s.%I is %L', wanted.place, wanted.name, 'added by Audience Activation');
    end if;
  end loop;
end
$migration$
