-- What the checks of the support registers compare with, besides the registers of schools.
-- Lives as long as the connection.

-- A title as people write it: case, «ё», quotes and blanks do not matter.
create function pg_temp.fold_title(x text) returns text language sql immutable as
$$
    select rtrim(
        trim(regexp_replace(replace(lower(x collate pg_c_utf8), 'ё', 'е'), '[\s"«»“”'']+', ' ', 'g')), '.:'
    )
$$;

create temp table programme_name as
select distinct on (name) name, programme_code
from (
    select pg_temp.fold_title(said) as name, programme_code
    from seeds.programme, lateral (values (programme_code), (title), (short_title)) as names (said)
) as spelled
order by name, programme_code;

create temp table town_in_force as
select distinct code from municipality_in_force;
