{{ config(severity='warn') }}
-- What is this: results whose school or procedure was not recognised, by source, year and key as written.
-- When is it important: these pupils are in no table by schools, so the shares of their schools may be incomplete.
-- How to resolve: school: add it to the register, or its login prefix to seeds/login_prefix.csv. Procedure: add
-- the spelling to seeds/subject_alias.csv, the code to seeds/subject_code.csv, or the work to seeds/procedure.csv;
-- or correct the file.
select
    part.source,
    result.year,
    case when result.school_id is null then result.school_key end as unknown_school,
    case when result.procedure_code is null then part.subject end as unknown_procedure,
    count(*) as n_results
from {{ ref('fct_result') }} as result
inner join {{ source('ops', 'source_part') }} as part
    on result.part_id = part.part_id
where {{ in_years('result.year') }} and (result.school_id is null or result.procedure_code is null)
group by 1, 2, 3, 4
