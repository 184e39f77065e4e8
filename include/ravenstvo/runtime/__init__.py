"""Running the pipeline on this machine: Airflow's folder and services, what its tasks call, the summary."""
