"""Who is compared: callables, pipelines and whole versions as arms, with their inputs."""
