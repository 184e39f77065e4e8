{{ staged_exam_result('oge_result') }}
