-- What tells whose a row is: municipalities by their spellings, schools by their keys. Lives as long as the connection.

create function pg_temp.fold_name(x text) returns text language sql immutable as
$$ select trim(regexp_replace(replace(lower(x collate pg_c_utf8), 'ё', 'е'), '[^0-9a-zа-я]+', ' ', 'g')) $$;

-- Leading zeros are lost wherever a code has passed through a spreadsheet as a number.
create function pg_temp.bare_code(x text) returns text language sql immutable as
$$ select case when x ~ '^[0-9]{1,9}$' then ltrim(x, '0') end $$;

create temp table in_force as
select part_id from ops.source_part where in_force and status = 'landed';

-- A municipality is known by the name in its register, or by the one that schools are listed under.
create temp table town as
with register as (
    select max(municipality_code) as code, min(municipality) as title, max(coordinator) as coordinator,
        pg_temp.fold_name(municipality) as name
    from landing.municipality inner join pg_temp.in_force using (part_id)
    where municipality is not null
    group by pg_temp.fold_name(municipality)
),

named as (
    select municipality from landing.school inner join pg_temp.in_force using (part_id)
    union all
    select municipality from landing.school_login inner join pg_temp.in_force using (part_id)
)

select name, code, title, coordinator from register
union all
select pg_temp.fold_name(municipality), null, min(municipality), null
from named
where municipality is not null and not exists (select 1 from register)
group by pg_temp.fold_name(municipality);

create temp table school_place as
with listed as (
    select school_code, school_login, coalesce(short_name, full_name) as title, municipality_code, municipality
    from landing.school inner join pg_temp.in_force using (part_id)
    union all
    select null, school_login, school_name, null, municipality
    from landing.school_login inner join pg_temp.in_force using (part_id)
),

keyed as (
    select 'code:' || pg_temp.bare_code(school_code) as key, listed.* from listed where school_code is not null
    union all
    select 'login:' || lower(school_login), listed.* from listed where school_login is not null
)

select keyed.key, min(keyed.title) as title, min(coalesce(by_code.name, by_name.name)) as town
from keyed
left join pg_temp.town as by_code on pg_temp.bare_code(by_code.code) = pg_temp.bare_code(keyed.municipality_code)
left join pg_temp.town as by_name on by_name.name = pg_temp.fold_name(keyed.municipality)
where keyed.key is not null
group by keyed.key;

-- Rows of the parts that anything is told of, and the municipality of each where it is known.
create temp table row_place (part_id bigint, row_no integer, town text, n_records integer);
