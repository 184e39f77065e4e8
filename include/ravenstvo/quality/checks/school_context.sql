-- One row per school's context form, beside its own sums.
with landed as not materialized (
    select * from pending_row
),

repeated as (
    select whole_id, year, school_code, school_login, min(row_no) as first_row_no
    from landed
    group by whole_id, year, school_code, school_login
    having count(*) > 1
)

select
    landed.*,
    '' as record_key,
    coalesce(landed.school_code, landed.school_login) as any_key,
    pg_temp.code6(landed.school_code) as padded_school_code,
    pg_temp.whole(landed.pupils) as pupil_number,
    pg_temp.whole(landed.low_income) as low_income_number,
    pg_temp.whole(landed.single_parent) as single_parent_number,
    pg_temp.whole(landed.large_family) as large_family_number,
    pg_temp.whole(landed.both_parents_higher_education) as both_parents_higher_education_number,
    pg_temp.whole(landed.parents_unemployed) as parents_unemployed_number,
    pg_temp.whole(landed.russian_not_native) as russian_not_native_number,
    pg_temp.whole(landed.special_needs) as special_needs_number,
    pg_temp.whole(landed.on_register) as on_register_number,
    pg_temp.whole(landed.under_guardianship) as under_guardianship_number,
    pg_temp.whole(landed.adapted_programme_pupils) as adapted_programme_pupils_number,
    pg_temp.whole(landed.pupils_birth_year_older) as pupils_birth_year_older_number,
    pg_temp.whole(landed.pupils_birth_year_younger) as pupils_birth_year_younger_number,
    pg_temp.num(landed.primary_classes_percent) as primary_classes_percent_number,
    pg_temp.num(landed.basic_classes_percent) as basic_classes_percent_number,
    pg_temp.num(landed.secondary_classes_percent) as secondary_classes_percent_number,
    pg_temp.whole(landed.teachers) as teacher_number,
    pg_temp.whole(landed.teachers_highest_category) as highest_category_number,
    grades.pupils as pupils_by_grade,
    grades.pupils - pg_temp.whole(landed.pupils) as grades_difference,
    grades.too_many as grades_above_pupils,
    case
        when landed.distance_km is not null and coalesce(pg_temp.num(landed.distance_km) < 0, true)
            then landed.distance_km
    end as odd_distance,
    case
        when landed.settlement_type is not null and settlements.value is null then landed.settlement_type
    end as unknown_settlement,
    odd_answers.answers as odd_answers,
    unknown_answers.answers as unknown_answers,
    -- The form is a register itself: only the register of schools can tell that a code is not known.
    case
        when exists (select 1 from register_row where register = 'school' and school_code is not null)
            and pg_temp.code6(landed.school_code) ~ '^[0-9]{6}$'
            and not exists (
                select 1 from register_row
                where register = 'school' and school_code = pg_temp.code6(landed.school_code)
            )
            and not exists (
                select 1 from decided_key where key_kind = 'code' and school_key = pg_temp.code6(landed.school_code)
            )
            then landed.school_code
    end as unknown_school,
    case when landed.row_no > repeated.first_row_no then repeated.first_row_no end as first_row_no
from landed
cross join lateral (
    select
        sum(pg_temp.whole(said)) as pupils,
        string_agg(number || ' класс — ' || said, '; ' order by number)
            filter (where pg_temp.whole(said) > pg_temp.whole(landed.pupils)) as too_many
    from (
        values
        (1, landed.pupils_grade_1), (2, landed.pupils_grade_2), (3, landed.pupils_grade_3),
        (4, landed.pupils_grade_4), (5, landed.pupils_grade_5), (6, landed.pupils_grade_6),
        (7, landed.pupils_grade_7), (8, landed.pupils_grade_8), (9, landed.pupils_grade_9),
        (10, landed.pupils_grade_10), (11, landed.pupils_grade_11), (12, landed.pupils_grade_12)
    ) as grade (number, said)
) as grades
cross join lateral (
    select string_agg(said, '; ') as answers
    from (
        values
        (landed.is_correctional), (landed.is_evening), (landed.is_closed_type), (landed.is_penal),
        (landed.is_boarding), (landed.has_primary), (landed.has_basic), (landed.has_secondary)
    ) as answer (said)
    where said is not null
        and not exists (
            select 1 from seeds.value_list
            where list_name = 'yes_no' and spelling = pg_temp.fold(answer.said)
        )
) as odd_answers
cross join lateral (
    select string_agg(answer.said, '; ' order by answer.column_name) as answers
    from (
        values
        ('settlement_size', landed.settlement_size), ('transport_to_city', landed.transport_to_city),
        ('parents_attend', landed.parents_attend), ('parents_help', landed.parents_help)
    ) as answer (column_name, said)
    where answer.said is not null
        and not exists (
            select 1 from seeds.context_code as code
            where code.column_name = answer.column_name and code.spelling = pg_temp.answer(answer.said)
        )
) as unknown_answers
left join seeds.value_list as settlements
    on settlements.list_name = 'settlement_type' and settlements.spelling = pg_temp.fold(landed.settlement_type)
left join repeated
    on repeated.whole_id = landed.whole_id and repeated.year is not distinct from landed.year
        and repeated.school_code is not distinct from landed.school_code
        and repeated.school_login is not distinct from landed.school_login
