-- Schemas, in the order of the way of the data.
create schema if not exists landing;
create schema if not exists ops;
create schema if not exists seeds;
create schema if not exists staging;
create schema if not exists core;
create schema if not exists marts;
create schema if not exists publish;
create schema if not exists vault;

comment on schema landing is 'Всё, что пришло в файлах: текстом, построчно, с номером файла и строки';
comment on schema ops is 'Учёт: файлы, их части, отклонённые строки, проверки, расчёты';
comment on schema seeds is 'Справочники и правила: предметы, шкалы, минимальные баллы, методики';
comment on schema staging is 'Принятые строки действующих версий, с типами';
comment on schema core is 'Звезда: измерения и факты';
comment on schema marts is 'Витрины для отчётов и панелей (читает роль bi_reader)';
comment on schema publish is 'Витрины с подавлением малых ячеек, для публикации';
comment on schema vault is 'Закрытые сведения: доступ только у владельца';

revoke all on schema public from public;

create table ops.setting (
  name text primary key,
  value text not null
);
comment on table ops.setting is 'Отметки самой программы: что уже сделано в этом хранилище';
comment on column ops.setting.name is 'Название отметки';
comment on column ops.setting.value is 'Значение';

create table ops.source_file (
  file_id bigint generated always as identity primary key,
  sha256 text not null unique,
  name text not null,
  path text not null,
  size_bytes bigint not null,
  modified_at timestamptz,
  delivered_by text,
  first_seen_at timestamptz not null default now(),
  status text not null check (status in ('landed', 'refused', 'waiting', 'ignored')),
  message text
);
comment on table ops.source_file is 'Файлы, которые увидела программа; один и тот же набор байтов — одна строка';
comment on column ops.source_file.file_id is 'Номер файла';
comment on column ops.source_file.sha256 is 'Отпечаток содержимого (SHA-256)';
comment on column ops.source_file.name is 'Имя файла';
comment on column ops.source_file.path is 'Путь внутри папки загрузки';
comment on column ops.source_file.size_bytes is 'Размер, байт';
comment on column ops.source_file.modified_at is 'Время изменения файла';
comment on column ops.source_file.delivered_by is 'Кто или что доставило файл';
comment on column ops.source_file.first_seen_at is 'Когда программа увидела файл впервые';
comment on column ops.source_file.status is
  'landed — загружен, refused — отклонён целиком, waiting — ждёт своего года, ignored — не содержит данных';
comment on column ops.source_file.message is 'Пояснение к состоянию';

create table ops.source_part (
  part_id bigint generated always as identity primary key,
  file_id bigint not null references ops.source_file,
  sheet text not null,
  block_no int not null,
  source text,
  layout text,
  year int,
  grade int,
  exam text,
  subject text,
  exam_date date,
  wave text,
  content_key text,
  scope_kind text check (scope_kind in ('school', 'municipality', 'region')),
  scope_key text,
  version int,
  status text not null check (status in ('landed', 'waiting', 'refused', 'not_data')),
  header_row int,
  n_rows_read int not null,
  n_rows_dropped int not null,
  n_rows_landed int not null,
  n_records int not null,
  n_blanks_as_zero int not null default 0,
  item_labels text[],
  in_force boolean not null default false,
  superseded_by bigint references ops.source_part,
  landed_at timestamptz,
  validated_at timestamptz,
  n_rows_accepted int,
  n_rows_rejected int,
  n_warnings int
);
create index source_part_file on ops.source_part (file_id);
create index source_part_content on ops.source_part (content_key);
comment on table ops.source_part is 'Части файлов: лист или один экзамен на листе';
comment on column ops.source_part.part_id is 'Номер части';
comment on column ops.source_part.file_id is 'Файл';
comment on column ops.source_part.sheet is 'Лист';
comment on column ops.source_part.block_no is 'Номер блока на листе, с 1';
comment on column ops.source_part.source is 'Вид сведений; пусто — лист, который по описанию не содержит данных';
comment on column ops.source_part.layout is 'Описание формы, по которому прочитан лист';
comment on column ops.source_part.year is 'Год оценочной кампании';
comment on column ops.source_part.grade is 'Класс программы';
comment on column ops.source_part.exam is 'Процедура: vpr, ege, oge';
comment on column ops.source_part.subject is 'Предмет, как написан в файле';
comment on column ops.source_part.exam_date is 'Дата экзамена';
comment on column ops.source_part.wave is 'Этап или волна';
comment on column ops.source_part.content_key is 'Что это за содержание: одинаковый ключ — версии одного и того же';
comment on column ops.source_part.scope_kind is 'Охват: школа, муниципалитет, регион';
comment on column ops.source_part.scope_key is 'Ключ школы или муниципалитета; пусто — регион';
comment on column ops.source_part.version is 'Номер версии содержания, с 1';
comment on column ops.source_part.status is
  'landed — загружена, waiting — ждёт своего года, refused — отклонена, not_data — не данные';
comment on column ops.source_part.header_row is 'Строка заголовков на листе';
comment on column ops.source_part.n_rows_read is 'Прочитано строк листа';
comment on column ops.source_part.n_rows_dropped is 'Отброшено строк (заголовки, итоги, пустые)';
comment on column ops.source_part.n_rows_landed is 'Загружено строк листа';
comment on column ops.source_part.n_records is 'Записей в landing (больше строк, если широкий лист развёрнут)';
comment on column ops.source_part.n_blanks_as_zero is 'Сколько пустых ячеек прочитано как 0 по правилу формы';
comment on column ops.source_part.item_labels is 'Обозначения заданий по порядку';
comment on column ops.source_part.in_force is 'Действующая версия';
comment on column ops.source_part.superseded_by is 'Часть, которая заменила эту';
comment on column ops.source_part.landed_at is 'Когда загружена';
comment on column ops.source_part.validated_at is 'Когда проверена';
comment on column ops.source_part.n_rows_accepted is 'Принято записей';
comment on column ops.source_part.n_rows_rejected is 'Отклонено записей';
comment on column ops.source_part.n_warnings is 'Предупреждений';

create table ops.superseded_school (
  part_id bigint not null references ops.source_part,
  school_key text not null,
  primary key (part_id, school_key)
);
comment on table ops.superseded_school is 'Школы, чьи строки в действующей части заменены более поздней и узкой';
comment on column ops.superseded_school.part_id is 'Часть, строки которой заменены';
comment on column ops.superseded_school.school_key is 'Ключ школы, как в строке: логин, код или наименование';

create table ops.dropped_row (
  part_id bigint not null references ops.source_part,
  reason text not null check (
    reason in ('title', 'header', 'footer', 'subtotal', 'blank', 'not_data')
  ),
  n_rows int not null,
  primary key (part_id, reason)
);
comment on table ops.dropped_row is 'Сколько строк листа отброшено и почему';
comment on column ops.dropped_row.part_id is 'Часть';
comment on column ops.dropped_row.reason is
  'title — название, header — заголовок, footer — подвал, subtotal — промежуточный итог, blank — пустая, '
  'not_data — не данные';
comment on column ops.dropped_row.n_rows is 'Число строк';

create table ops.control_total (
  part_id bigint not null references ops.source_part,
  total_name text not null,
  column_name text,
  stated text,
  computed text,
  agrees boolean,
  row_no int
);
create index control_total_part on ops.control_total (part_id);
comment on table ops.control_total is 'Итоги из подвала файла рядом с посчитанными';
comment on column ops.control_total.part_id is 'Часть';
comment on column ops.control_total.total_name is 'Какой итог';
comment on column ops.control_total.column_name is 'Столбец';
comment on column ops.control_total.stated is 'Указано в файле';
comment on column ops.control_total.computed is 'Посчитано по строкам';
comment on column ops.control_total.agrees is 'Совпадают ли';
comment on column ops.control_total.row_no is 'Строка листа';

create table ops.file_problem (
  problem_id bigint generated always as identity primary key,
  file_id bigint references ops.source_file,
  path text,
  sheet text,
  row_no int,
  column_name text,
  value text,
  code text not null,
  severity text not null check (severity in ('error', 'warning')),
  message text not null,
  advice text,
  found_at timestamptz not null default now()
);
create index file_problem_file on ops.file_problem (file_id);
comment on table ops.file_problem is 'Что не так с файлами и листами: сообщение и совет отправителю';
comment on column ops.file_problem.problem_id is 'Номер записи';
comment on column ops.file_problem.file_id is 'Файл; пусто, если он не читается вовсе';
comment on column ops.file_problem.path is 'Путь внутри папки загрузки';
comment on column ops.file_problem.sheet is 'Лист';
comment on column ops.file_problem.row_no is 'Строка листа';
comment on column ops.file_problem.column_name is 'Столбец';
comment on column ops.file_problem.value is 'Значение';
comment on column ops.file_problem.code is 'Код ошибки';
comment on column ops.file_problem.severity is 'error — ошибка, warning — предупреждение';
comment on column ops.file_problem.message is 'Что не так';
comment on column ops.file_problem.advice is 'Что делать';
comment on column ops.file_problem.found_at is 'Когда найдено';

create table ops.row_finding (
  part_id bigint not null references ops.source_part,
  file_id bigint not null references ops.source_file,
  source text not null,
  row_no int not null,
  record_key text not null default '',
  severity text not null check (severity in ('critical', 'warning')),
  expectation_id text not null,
  column_name text,
  value text,
  message text not null,
  advice text
);
create index row_finding_row on ops.row_finding (part_id, row_no);
comment on table ops.row_finding is 'Замечания к строкам; запись с критическим замечанием отклонена';
comment on column ops.row_finding.part_id is 'Часть';
comment on column ops.row_finding.file_id is 'Файл';
comment on column ops.row_finding.source is 'Вид сведений';
comment on column ops.row_finding.row_no is 'Строка листа';
comment on column ops.row_finding.record_key is 'Какая из записей строки (например, предмет); пусто — единственная';
comment on column ops.row_finding.severity is 'critical — запись отклонена, warning — принята с предупреждением';
comment on column ops.row_finding.expectation_id is 'Проверка из папки expectations';
comment on column ops.row_finding.column_name is 'Столбец';
comment on column ops.row_finding.value is 'Значение';
comment on column ops.row_finding.message is 'Что не так';
comment on column ops.row_finding.advice is 'Что делать';

create view ops.rejected_row as
select
  part_id,
  row_no,
  record_key,
  string_agg(distinct message, '; ' order by message) as reasons
from ops.row_finding
where severity = 'critical'
group by part_id, row_no, record_key;
comment on view ops.rejected_row is 'Отклонённые записи со всеми причинами';
comment on column ops.rejected_row.part_id is 'Часть';
comment on column ops.rejected_row.row_no is 'Строка листа';
comment on column ops.rejected_row.record_key is 'Какая из записей строки';
comment on column ops.rejected_row.reasons is 'Все причины';

create table ops.expectation_result (
  validated_at timestamptz not null,
  source text not null,
  suite text not null,
  expectation_id text not null,
  severity text not null,
  n_checked bigint,
  n_failed bigint,
  success boolean not null,
  message text,
  part_ids bigint[]
);
create index expectation_result_when on ops.expectation_result (source, validated_at);
comment on table ops.expectation_result is 'Итоги проверок Great Expectations';
comment on column ops.expectation_result.validated_at is 'Когда проверено';
comment on column ops.expectation_result.source is 'Вид сведений';
comment on column ops.expectation_result.suite is 'Набор проверок';
comment on column ops.expectation_result.expectation_id is 'Проверка';
comment on column ops.expectation_result.severity is 'critical или warning';
comment on column ops.expectation_result.n_checked is 'Проверено записей';
comment on column ops.expectation_result.n_failed is 'Не прошли';
comment on column ops.expectation_result.success is 'Прошла ли проверка';
comment on column ops.expectation_result.message is 'Что проверяется';
comment on column ops.expectation_result.part_ids is 'Проверенные части';

create table ops.calculation (
  calculation_id text primary key,
  year int not null,
  years int[] not null,
  status text not null check (status in ('running', 'done', 'failed', 'unchanged')),
  inputs_hash text,
  code_version text,
  seeds_hash text,
  parameters jsonb,
  started_at timestamptz not null default now(),
  finished_at timestamptz,
  message text
);
create index calculation_year on ops.calculation (year, started_at);
comment on table ops.calculation is 'Расчёты: что, когда, на каких данных и правилах';
comment on column ops.calculation.calculation_id is 'Номер расчёта';
comment on column ops.calculation.year is 'Год кампании';
comment on column ops.calculation.years is 'Пересчитанные годы';
comment on column ops.calculation.status is
  'running — идёт, done — готов, failed — не удался, unchanged — ничего не изменилось';
comment on column ops.calculation.inputs_hash is 'Отпечаток входных данных и правил года кампании';
comment on column ops.calculation.code_version is 'Версия программы';
comment on column ops.calculation.seeds_hash is 'Отпечаток справочников';
comment on column ops.calculation.parameters is 'Отпечатки входных данных по годам и параметры';
comment on column ops.calculation.started_at is 'Начат';
comment on column ops.calculation.finished_at is 'Закончен';
comment on column ops.calculation.message is 'Пояснение';

create table ops.dbt_node_result (
  calculation_id text not null references ops.calculation,
  stage text not null,
  node text not null,
  resource_type text not null,
  status text not null,
  seconds double precision,
  failures int,
  message text
);
create index dbt_node_result_calculation on ops.dbt_node_result (calculation_id);
comment on table ops.dbt_node_result is 'Итог каждого узла dbt: таблицы, справочники, проверки';
comment on column ops.dbt_node_result.calculation_id is 'Расчёт';
comment on column ops.dbt_node_result.stage is 'Этап';
comment on column ops.dbt_node_result.node is 'Узел dbt';
comment on column ops.dbt_node_result.resource_type is 'Вид узла: model, seed, test, unit_test';
comment on column ops.dbt_node_result.status is 'Итог';
comment on column ops.dbt_node_result.seconds is 'Время, с';
comment on column ops.dbt_node_result.failures is 'Строк, не прошедших проверку';
comment on column ops.dbt_node_result.message is 'Сообщение dbt';

create table ops.stage_time (
  calculation_id text not null references ops.calculation,
  stage text not null,
  seconds double precision not null
);
create index stage_time_calculation on ops.stage_time (calculation_id);
comment on table ops.stage_time is 'Время этапов расчёта';
comment on column ops.stage_time.calculation_id is 'Расчёт';
comment on column ops.stage_time.stage is 'Этап';
comment on column ops.stage_time.seconds is 'Время, с';
