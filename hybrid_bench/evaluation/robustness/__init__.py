"""Whether encoders hold in low-resource languages and on other domains: the study, its figures and its report."""
