-- What: every procedure in a method's list is a procedure of the warehouse.
-- When it matters: when a method is added or a list changed; a misspelt code would never be low.
-- How to resolve: correct the code in the seed `method`, or add the procedure to the seed `procedure`.
select
    method.method_code,
    method.method_version,
    listed.procedure_code
from {{ ref('dim_method') }} as method
cross join lateral jsonb_array_elements_text(method.procedures) as listed (procedure_code)
left join {{ ref('dim_procedure') }} as procedure on listed.procedure_code = procedure.procedure_code
where procedure.procedure_code is null
