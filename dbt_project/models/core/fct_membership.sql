{{ config(indexes=[{'columns': ['programme_code', 'school_id', 'role', 'included_from'], 'unique': true}]) }}

with source as (
    select * from {{ ref('stg_membership') }}
),

resolved as (
    select
        programme.programme_code,
        school.school_id,
        source.school_code,
        school.municipality_code,
        role_listed.value as role,
        basis_listed.value as basis,
        source.document,
        source.included_from,
        source.excluded_from,
        source.file_id,
        source.part_id,
        source.row_no,
        -- Of two rows with one key, the later file is right.
        row_number() over (
            partition by programme.programme_code, school.school_id, role_listed.value, source.included_from
            order by source.part_id desc, source.row_no desc
        ) as preference
    from source
    inner join {{ ref('int_school_of_code') }} as school
        on source.school_code = school.school_code
    inner join {{ ref('int_programme_key') }} as programme
        on {{ fold_name('source.programme') }} = programme.name_folded
    {{ join_list('role', 'membership_role') }}
    {{ join_list('basis', 'membership_basis') }}
)

select
    {{ region_code() }} as region_code,
    programme_code,
    school_id,
    school_code,
    municipality_code,
    role,
    basis,
    document,
    included_from,
    excluded_from,
    file_id,
    part_id,
    row_no
from resolved
where preference = 1
