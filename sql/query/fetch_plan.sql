-- fetch_plan: the next rows of the cursor that open_plan opened.
FETCH 1000 FROM plan
