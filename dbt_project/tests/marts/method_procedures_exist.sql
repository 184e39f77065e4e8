-- What: every procedure that a method names, in a list or in groups, is a procedure of the warehouse.
-- When it matters: when a method is added or a list changed; a misspelt code would never be low.
-- How to resolve: correct the code in the seed `method`, or add the procedure to the seed `procedure`.
with

listed as (

    select
        method.method_code,
        method.method_version,
        procedure.code as procedure_code
    from {{ ref('dim_method') }} as method
    cross join lateral jsonb_path_query(method.parameters, '$.procedures[*]') as code
    cross join lateral (values (code #>> '{}')) as procedure (code)
    union all
    select
        method.method_code,
        method.method_version,
        procedure.code
    from {{ ref('dim_method') }} as method
    cross join lateral jsonb_path_query(method.parameters, '$.*.*[*]') as code
    cross join lateral (values (code #>> '{}')) as procedure (code)

)

select listed.*
from listed
left join {{ ref('dim_procedure') }} as procedure on listed.procedure_code = procedure.procedure_code
where procedure.procedure_code is null
