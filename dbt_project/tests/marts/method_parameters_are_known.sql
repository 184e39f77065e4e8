-- What: every parameter written in the seed `method` is one that dim_method reads.
-- When it matters: when a row is added; a misspelt parameter would be ignored without a word.
-- How to resolve: correct the name in the seed, or teach dim_method the new parameter.
select
    method.method_code,
    method.method_version,
    parameter.name
from {{ ref('dim_method') }} as method
cross join lateral jsonb_object_keys(method.parameters) as parameter (name)
where parameter.name not in (
    select attribute.attname from pg_attribute as attribute
    where attribute.attrelid = cast('{{ ref("dim_method") }}' as regclass) and attribute.attnum > 0
)
