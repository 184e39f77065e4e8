-- Written by the estimates (Python), read by the marts.
create table core.estimate_prior (
  year int not null,
  procedure_code text not null,
  attempt text not null,
  n_schools int not null,
  n_participants bigint not null,
  n_below_min bigint not null,
  mu double precision not null,
  tau2 double precision not null,
  m double precision,
  alpha double precision,
  beta double precision,
  primary key (year, procedure_code, attempt)
);
comment on table core.estimate_prior is 'Априорное распределение доли ниже минимума: бета-биномиальная модель процедуры и года';
comment on column core.estimate_prior.year is 'Год кампании';
comment on column core.estimate_prior.procedure_code is 'Процедура (dim_procedure)';
comment on column core.estimate_prior.attempt is 'Какая попытка считается: first или last';
comment on column core.estimate_prior.n_schools is 'Школ с участниками и известным минимумом';
comment on column core.estimate_prior.n_participants is 'Участников в них';
comment on column core.estimate_prior.n_below_min is 'Из них ниже минимума';
comment on column core.estimate_prior.mu is 'Средняя доля по региону';
comment on column core.estimate_prior.tau2 is 'Дисперсия истинных долей между школами, оценка по моментам';
comment on column core.estimate_prior.m is 'Вес априорного распределения в участниках (M); пусто — школы неразличимы, стягивание полное';
comment on column core.estimate_prior.alpha is 'Параметр α; пусто при полном стягивании';
comment on column core.estimate_prior.beta is 'Параметр β; пусто при полном стягивании';

create table core.estimate_probability (
  year int not null,
  school_id text not null,
  procedure_code text not null,
  attempt text not null,
  threshold_numerator int not null,
  threshold_denominator int not null,
  shrunk_share double precision not null,
  probability_low double precision not null,
  primary key (year, school_id, procedure_code, attempt, threshold_numerator, threshold_denominator)
);
comment on table core.estimate_probability is 'Стянутая доля и вероятность низкой истинной доли: школа, процедура, попытка, порог';
comment on column core.estimate_probability.year is 'Год кампании';
comment on column core.estimate_probability.school_id is 'Школа (dim_school)';
comment on column core.estimate_probability.procedure_code is 'Процедура (dim_procedure)';
comment on column core.estimate_probability.attempt is 'Какая попытка считается: first или last';
comment on column core.estimate_probability.threshold_numerator is 'Числитель порога';
comment on column core.estimate_probability.threshold_denominator is 'Знаменатель порога';
comment on column core.estimate_probability.shrunk_share is 'Апостериорное среднее доли ниже минимума';
comment on column core.estimate_probability.probability_low is 'Вероятность того, что истинная доля не меньше порога';

create table core.estimate_correlation (
  year int not null,
  attempt text not null,
  n_pairs bigint not null,
  rho double precision not null,
  n_pairs_years bigint not null,
  rho_years double precision,
  primary key (year, attempt)
);
comment on table core.estimate_correlation is 'Связь истинных долей разных процедур одной школы';
comment on column core.estimate_correlation.year is 'Год кампании';
comment on column core.estimate_correlation.attempt is 'Какая попытка считается: first или last';
comment on column core.estimate_correlation.n_pairs is 'Пар процедур одной школы, по которым связь оценена';
comment on column core.estimate_correlation.rho is 'Корреляция, от 0 до 1';
comment on column core.estimate_correlation.n_pairs_years is 'Пар «одна процедура школы в этом и прошлом году»';
comment on column core.estimate_correlation.rho_years is 'Корреляция истинных долей одной процедуры школы в этом и прошлом году; пусто без прошлого года';

create table core.estimate_rule_probability (
  year int not null,
  school_id text not null,
  method_code text not null,
  method_version text not null,
  probability_low double precision not null,
  probability_low_independent double precision not null,
  primary key (year, school_id, method_code)
);
comment on table core.estimate_rule_probability is 'Вероятность того, что правило метода выполнено для истинных долей школы';
comment on column core.estimate_rule_probability.year is 'Год кампании';
comment on column core.estimate_rule_probability.school_id is 'Школа (dim_school)';
comment on column core.estimate_rule_probability.method_code is 'Метод';
comment on column core.estimate_rule_probability.method_version is 'Редакция метода';
comment on column core.estimate_rule_probability.probability_low is 'Вероятность с учётом связи процедур школы';
comment on column core.estimate_rule_probability.probability_low_independent is 'То же, если процедуры считать независимыми';

create table core.estimate_marker (
  year int not null,
  school_id text not null,
  procedure_code text not null,
  marker text not null,
  value double precision,
  threshold double precision not null,
  n int not null,
  p_value double precision,
  q_value double precision,
  is_flagged boolean not null,
  details jsonb,
  primary key (year, school_id, procedure_code, marker)
);
comment on table core.estimate_marker is 'Признаки, по которым результаты ВПР стоит рассмотреть: значение, порог, вероятность';
comment on column core.estimate_marker.year is 'Год кампании';
comment on column core.estimate_marker.school_id is 'Школа (dim_school)';
comment on column core.estimate_marker.procedure_code is 'Процедура (dim_procedure)';
comment on column core.estimate_marker.marker is 'Признак (objectivity_marker)';
comment on column core.estimate_marker.value is 'Значение; пусто, если посчитать нельзя';
comment on column core.estimate_marker.threshold is 'Порог значения';
comment on column core.estimate_marker.n is 'Сколько участников (работ) за значением';
comment on column core.estimate_marker.p_value is 'Вероятность такого или большего отклонения случайно; пусто у признаков без проверки';
comment on column core.estimate_marker.q_value is 'То же с поправкой Бенджамини — Хохберга по всем признакам года; 1, если прочие условия признака не выполнены';
comment on column core.estimate_marker.is_flagged is 'Признак отмечен';
comment on column core.estimate_marker.details is 'Числа, из которых сложилось значение';

create table core.estimate_bunching (
  year int not null,
  procedure_code text not null,
  area_kind text not null,
  area_id text not null,
  boundary int not null,
  mark int not null,
  window_from int not null,
  window_to int not null,
  n int not null,
  n_at_boundary int not null,
  n_below_boundary int not null,
  n_upper int not null,
  expected_upper double precision,
  excess_n double precision,
  excess_share double precision,
  excess_ratio double precision,
  ci_low double precision,
  ci_high double precision,
  share_below_min double precision,
  share_below_min_corrected double precision,
  corrected_ci_low double precision,
  corrected_ci_high double precision,
  primary key (year, procedure_code, area_kind, area_id, boundary)
);
comment on table core.estimate_bunching is 'Скопление у границ отметок: сколько работ сверх ожидаемого на первом балле отметки';
comment on column core.estimate_bunching.year is 'Год кампании';
comment on column core.estimate_bunching.procedure_code is 'Процедура (dim_procedure)';
comment on column core.estimate_bunching.area_kind is 'region, municipality или school';
comment on column core.estimate_bunching.area_id is 'Пусто — регион; иначе municipality_id или school_id';
comment on column core.estimate_bunching.boundary is 'Первый балл более высокой отметки';
comment on column core.estimate_bunching.mark is 'Эта отметка';
comment on column core.estimate_bunching.window_from is 'Первый балл окна границы';
comment on column core.estimate_bunching.window_to is 'Последний балл окна границы';
comment on column core.estimate_bunching.n is 'Работ с баллом';
comment on column core.estimate_bunching.n_at_boundary is 'Работ с первым баллом отметки';
comment on column core.estimate_bunching.n_below_boundary is 'Работ с баллом на единицу меньше';
comment on column core.estimate_bunching.n_upper is 'Работ от границы до конца окна';
comment on column core.estimate_bunching.expected_upper is 'Сколько их там при гладком распределении';
comment on column core.estimate_bunching.excess_n is 'Лишних работ в окне от границы и выше относительно гладкого распределения';
comment on column core.estimate_bunching.excess_share is 'То же долей участников';
comment on column core.estimate_bunching.excess_ratio is 'То же относительно ожидаемого на первом балле (b)';
comment on column core.estimate_bunching.ci_low is 'Нижняя граница интервала excess_share';
comment on column core.estimate_bunching.ci_high is 'Верхняя граница интервала excess_share';
comment on column core.estimate_bunching.share_below_min is 'Доля ниже минимума по файлам; только для границы минимума';
comment on column core.estimate_bunching.share_below_min_corrected is 'Доля ниже минимума, если бы никого не подняли через границу';
comment on column core.estimate_bunching.corrected_ci_low is 'Нижняя граница интервала';
comment on column core.estimate_bunching.corrected_ci_high is 'Верхняя граница интервала';

create table core.estimate_context_weight (
  year int not null,
  index_code text not null,
  index_version text not null,
  input_code text not null,
  weight double precision not null,
  mean double precision not null,
  sd double precision not null,
  n_schools int not null,
  primary key (year, index_code, index_version, input_code)
);
comment on table core.estimate_context_weight is 'Веса составляющих индекса условий';
comment on column core.estimate_context_weight.year is 'Год кампании';
comment on column core.estimate_context_weight.index_code is 'Индекс (context_index)';
comment on column core.estimate_context_weight.index_version is 'Редакция весов';
comment on column core.estimate_context_weight.input_code is 'Составляющая (context_input)';
comment on column core.estimate_context_weight.weight is 'Вес при стандартизованном значении; знак: плюс — условия благоприятнее';
comment on column core.estimate_context_weight.mean is 'Среднее по региону';
comment on column core.estimate_context_weight.sd is 'Стандартное отклонение по региону';
comment on column core.estimate_context_weight.n_schools is 'Школ со значением';

create table core.estimate_context_index (
  year int not null,
  school_id text not null,
  index_code text not null,
  index_version text not null,
  raw_value double precision,
  context_index double precision,
  n_inputs int not null,
  n_missing_inputs int not null,
  is_of_year boolean not null,
  primary key (year, school_id, index_code, index_version)
);
comment on table core.estimate_context_index is 'Индекс условий работы школы';
comment on column core.estimate_context_index.year is 'Год кампании';
comment on column core.estimate_context_index.school_id is 'Школа (dim_school)';
comment on column core.estimate_context_index.index_code is 'Индекс';
comment on column core.estimate_context_index.index_version is 'Редакция весов';
comment on column core.estimate_context_index.raw_value is 'Взвешенное среднее стандартизованных составляющих, что есть у школы';
comment on column core.estimate_context_index.context_index is 'Индекс от 0 (условия тяжелее всего) до 100; пусто, если не хватает сведений';
comment on column core.estimate_context_index.n_inputs is 'Составляющих в редакции';
comment on column core.estimate_context_index.n_missing_inputs is 'Из них нет у школы';
comment on column core.estimate_context_index.is_of_year is 'Эта редакция — индекс года: она одна для всех школ года';

create table core.estimate_context_model (
  year int not null,
  model_code text not null,
  model_version text not null,
  term text not null,
  coefficient double precision not null,
  standard_error double precision,
  r_squared double precision,
  n_schools int not null,
  n_participants bigint not null,
  index_code text not null,
  index_version text not null,
  primary key (year, model_code, model_version, term)
);
comment on table core.estimate_context_model is 'Модель ожидаемого результата: коэффициенты';
comment on column core.estimate_context_model.year is 'Год кампании';
comment on column core.estimate_context_model.model_code is 'Модель (context_model)';
comment on column core.estimate_context_model.model_version is 'Редакция';
comment on column core.estimate_context_model.term is 'Член уравнения';
comment on column core.estimate_context_model.coefficient is 'Коэффициент';
comment on column core.estimate_context_model.standard_error is 'Стандартная ошибка, устойчивая (HC3)';
comment on column core.estimate_context_model.r_squared is 'R² модели, взвешенный';
comment on column core.estimate_context_model.n_schools is 'Школ в модели';
comment on column core.estimate_context_model.n_participants is 'Участников в них';
comment on column core.estimate_context_model.index_code is 'Индекс условий, вошедший в модель';
comment on column core.estimate_context_model.index_version is 'Его редакция';

create table core.estimate_context_prediction (
  year int not null,
  school_id text not null,
  model_code text not null,
  model_version text not null,
  outcome_score double precision not null,
  expected_score double precision not null,
  residual_z double precision not null,
  n_participants bigint not null,
  primary key (year, school_id, model_code, model_version)
);
comment on table core.estimate_context_prediction is 'Ожидаемый результат школы по условиям, без её собственных результатов';
comment on column core.estimate_context_prediction.year is 'Год кампании';
comment on column core.estimate_context_prediction.school_id is 'Школа (dim_school)';
comment on column core.estimate_context_prediction.model_code is 'Модель';
comment on column core.estimate_context_prediction.model_version is 'Редакция';
comment on column core.estimate_context_prediction.outcome_score is 'Результат: средний стандартизованный балл за годы модели';
comment on column core.estimate_context_prediction.expected_score is 'Ожидаемый результат, школа из расчёта исключена';
comment on column core.estimate_context_prediction.residual_z is 'Отклонение от ожидаемого в его стандартных ошибках';
comment on column core.estimate_context_prediction.n_participants is 'Участников за годы модели';

-- What a calculation rested on, what people decided, and the states of before.
create table ops.calculation_input (
  calculation_id text not null references ops.calculation on delete cascade,
  year int,
  part_id bigint not null references ops.source_part,
  primary key (calculation_id, part_id)
);
comment on table ops.calculation_input is 'Части файлов, действовавшие в расчёте';
comment on column ops.calculation_input.calculation_id is 'Расчёт';
comment on column ops.calculation_input.year is 'Год кампании части; пусто — без года';
comment on column ops.calculation_input.part_id is 'Часть файла';

create table ops.mart_hash (
  calculation_id text not null references ops.calculation on delete cascade,
  mart text not null,
  n_rows bigint not null,
  hash text not null,
  primary key (calculation_id, mart)
);
comment on table ops.mart_hash is 'Отпечатки витрин: одинаковые входные данные дают одинаковые отпечатки';
comment on column ops.mart_hash.calculation_id is 'Расчёт';
comment on column ops.mart_hash.mart is 'Витрина';
comment on column ops.mart_hash.n_rows is 'Строк';
comment on column ops.mart_hash.hash is 'Отпечаток содержимого без служебных столбцов';

create table ops.publication (
  publication_id bigint generated always as identity,
  year int not null,
  method_code text not null,
  calculation_id text not null references ops.calculation,
  approved_by text not null,
  approved_at timestamptz not null default now(),
  document text,
  workbook_sha256 text,
  n_listed int not null,
  superseded_by bigint references ops.publication deferrable initially deferred,
  primary key (publication_id)
);
create unique index publication_in_force on ops.publication (year, method_code) where superseded_by is null;
create index publication_calculation on ops.publication (calculation_id, year);
comment on table ops.publication is 'Утверждённые перечни: один год и метод, один расчёт';
comment on column ops.publication.publication_id is 'Номер утверждения';
comment on column ops.publication.year is 'Год кампании';
comment on column ops.publication.method_code is 'Метод, чей перечень утверждён';
comment on column ops.publication.calculation_id is 'Расчёт';
comment on column ops.publication.approved_by is 'Кто утвердил';
comment on column ops.publication.approved_at is 'Когда';
comment on column ops.publication.document is 'Документ об утверждении';
comment on column ops.publication.workbook_sha256 is 'Отпечаток книги решений; пусто — утверждено без изменений';
comment on column ops.publication.n_listed is 'Школ в утверждённом перечне';
comment on column ops.publication.superseded_by is 'Утверждение, которое заменило это';

create table ops.calculation_base (
  calculation_id text not null references ops.calculation on delete cascade,
  year int not null,
  base_calculation_id text not null references ops.calculation,
  is_published boolean not null,
  primary key (calculation_id, year)
);
comment on table ops.calculation_base is 'С каким прежним расчётом сравнивается расчёт, по годам';
comment on column ops.calculation_base.calculation_id is 'Расчёт';
comment on column ops.calculation_base.year is 'Год кампании';
comment on column ops.calculation_base.base_calculation_id is 'Прежний расчёт';
comment on column ops.calculation_base.is_published is 'Утверждён ли перечень того расчёта';

create table core.decision (
  publication_id bigint not null references ops.publication,
  year int not null,
  school_id text not null,
  school_code text,
  login text,
  school_name text,
  municipality_name text,
  method_code text not null,
  decided_status text not null check (decided_status in ('included', 'excluded', 'deferred')),
  decided_by text not null,
  decided_at timestamptz not null,
  decision_document text,
  reason text,
  is_low_results_computed boolean,
  primary key (publication_id, school_id)
);
comment on table core.decision is 'Решения людей о школах';
comment on column core.decision.publication_id is 'Утверждение';
comment on column core.decision.year is 'Год кампании';
comment on column core.decision.school_id is 'Школа (dim_school)';
comment on column core.decision.school_code is 'Код ОО на день утверждения';
comment on column core.decision.login is 'Логин на день утверждения';
comment on column core.decision.school_name is 'Название школы на день утверждения';
comment on column core.decision.municipality_name is 'Муниципалитет на день утверждения';
comment on column core.decision.method_code is 'Метод';
comment on column core.decision.decided_status is 'Решение: included — в перечне, excluded — не в перечне, deferred — отложено';
comment on column core.decision.decided_by is 'Кто решил';
comment on column core.decision.decided_at is 'Когда';
comment on column core.decision.decision_document is 'Документ';
comment on column core.decision.reason is 'Основание изменения; пусто — как посчитано';
comment on column core.decision.is_low_results_computed is 'Вывод метода в утверждённом расчёте';

create table core.history_identification (
  calculation_id text not null references ops.calculation on delete cascade,
  year int not null,
  school_id text not null,
  method_code text not null,
  method_version text not null,
  is_low_results boolean,
  is_adverse_context boolean,
  status text,
  n_procedures int not null,
  n_low_procedures int not null,
  low_procedures text[] not null,
  n_participants_total int not null,
  evidence_grade text,
  probability_low double precision,
  is_fragile boolean,
  years_identified int,
  primary key (calculation_id, year, school_id, method_code)
);
comment on table core.history_identification is 'Выводы прежних расчётов: для сравнения и для утверждённых перечней';
comment on column core.history_identification.calculation_id is 'Расчёт';
comment on column core.history_identification.year is 'Год кампании';
comment on column core.history_identification.school_id is 'Школа (dim_school)';
comment on column core.history_identification.method_code is 'Метод';
comment on column core.history_identification.method_version is 'Редакция метода';
comment on column core.history_identification.is_low_results is 'Вывод';
comment on column core.history_identification.is_adverse_context is 'Неблагоприятные условия';
comment on column core.history_identification.status is 'Статус';
comment on column core.history_identification.n_procedures is 'Процедур с участниками';
comment on column core.history_identification.n_low_procedures is 'Низких процедур';
comment on column core.history_identification.low_procedures is 'Процедуры, на которых стоит вывод';
comment on column core.history_identification.n_participants_total is 'Участников';
comment on column core.history_identification.evidence_grade is 'Разряд надёжности';
comment on column core.history_identification.probability_low is 'Вероятность';
comment on column core.history_identification.is_fragile is 'Держится на одном участнике';
comment on column core.history_identification.years_identified is 'Лет подряд в списке';

create table core.history_evidence (
  calculation_id text not null references ops.calculation on delete cascade,
  year int not null,
  school_id text not null,
  method_code text not null,
  method_version text not null,
  procedure_code text not null,
  n_participants int not null,
  n_below_min int,
  is_low boolean not null,
  is_low_last_year boolean,
  primary key (calculation_id, year, school_id, method_code, procedure_code)
);
comment on table core.history_evidence is 'Основания выводов прежних расчётов';
comment on column core.history_evidence.calculation_id is 'Расчёт';
comment on column core.history_evidence.year is 'Год кампании';
comment on column core.history_evidence.school_id is 'Школа (dim_school)';
comment on column core.history_evidence.method_code is 'Метод';
comment on column core.history_evidence.method_version is 'Редакция метода';
comment on column core.history_evidence.procedure_code is 'Процедура (dim_procedure)';
comment on column core.history_evidence.n_participants is 'Участников';
comment on column core.history_evidence.n_below_min is 'Ниже минимума';
comment on column core.history_evidence.is_low is 'Низкая';
comment on column core.history_evidence.is_low_last_year is 'Та же процедура была низкой годом раньше';

-- A published calculation is frozen: what an approved list rests on is neither changed nor removed.
create function ops.keep_published_year() returns trigger language plpgsql as $$
begin
  if exists (
    select 1 from gone inner join ops.publication as published using (calculation_id, year)
  ) then
    raise exception using
      errcode = 'restrict_violation',
      message = 'Расчёт утверждённого перечня заморожен: его строки нельзя изменить или удалить';
  end if;
  return null;
end $$;

create function ops.keep_published_calculation() returns trigger language plpgsql as $$
begin
  if exists (
    select 1 from gone inner join ops.publication as published using (calculation_id)
  ) then
    raise exception using
      errcode = 'restrict_violation',
      message = 'Расчёт утверждённого перечня заморожен: сведения о нём нельзя изменить или удалить';
  end if;
  return null;
end $$;

create function ops.keep_decisions() returns trigger language plpgsql as $$
begin
  if exists (select 1 from gone) then
    raise exception using
      errcode = 'restrict_violation',
      message = 'Решения утверждённого перечня не меняются: новое решение — новое утверждение';
  end if;
  return null;
end $$;

create trigger keep_published_rows after update on core.history_identification
referencing old table as gone for each statement execute function ops.keep_published_year();
create trigger keep_published_rows_there after delete on core.history_identification
referencing old table as gone for each statement execute function ops.keep_published_year();
create trigger keep_published_rows after update on core.history_evidence
referencing old table as gone for each statement execute function ops.keep_published_year();
create trigger keep_published_rows_there after delete on core.history_evidence
referencing old table as gone for each statement execute function ops.keep_published_year();
create trigger keep_published_rows after update on ops.mart_hash
referencing old table as gone for each statement execute function ops.keep_published_calculation();
create trigger keep_published_rows_there after delete on ops.mart_hash
referencing old table as gone for each statement execute function ops.keep_published_calculation();
create trigger keep_published_rows after update on ops.calculation_input
referencing old table as gone for each statement execute function ops.keep_published_calculation();
create trigger keep_published_rows_there after delete on ops.calculation_input
referencing old table as gone for each statement execute function ops.keep_published_calculation();
create trigger keep_decisions after update on core.decision
referencing old table as gone for each statement execute function ops.keep_decisions();
create trigger keep_decisions_there after delete on core.decision
referencing old table as gone for each statement execute function ops.keep_decisions();


-- Methods whose verdict depends on a school's place among others cannot tell what one pupil would do.
do $$
begin
  if to_regclass('marts.mart_identification') is not null then
    alter table marts.mart_identification alter column is_fragile drop not null;
  end if;
end
$$;
