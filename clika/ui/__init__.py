"""The page: one tab a file. The only room that knows Gradio."""
