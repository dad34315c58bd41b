"""The whole study of one model: bare, guarded, fine-tuned, and both; harmfulness, over-refusal and skill.

Put together from `finetune`, `skill`, `runs` and `stats`; a stage is a folder with its own manifest. `plan`
and `execute` need the extra `finetune`; what reads and draws needs numpy alone.
"""
