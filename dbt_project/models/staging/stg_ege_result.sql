{{ staged_exam_result('ege_result') }}
