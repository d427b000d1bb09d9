"""Twenty strings that a page may only show: markup, scripts, templates, formulas, controls of writing direction."""

HOSTILE = (
    "<img src=x onerror=\"document.title='taken'\">",
    "<script>document.title='taken'</script>",
    "</script><script>document.title='taken'</script>",
    "</textarea><svg onload=document.title='taken'>",
    "\"><b onmouseover=document.title='taken'>x</b>",
    "' onfocus='document.title=1' autofocus='",
    "javascript:document.title='taken'",
    "<iframe srcdoc='<script>parent.document.title=1</script>'></iframe>",
    "<style>body{display:none}</style>",
    "<!-- comment -->",
    "&lt;b&gt;&amp;amp;",
    "${document.title='taken'}",
    "{{constructor.constructor('return 1')()}}",
    "%{customdata} %{x:.2f} %{text}",
    '=HYPERLINK("http://x","y")',
    "+1+cmd|' /C calc'!A0",
    "\u202eevitisop\u202c \u2066x\u2069",
    "a\u2028b\u2029c \\u003c \\n \\",
    "<a href='http://x'>link</a><br><i>i</i>",
    "__proto__ constructor ]]> <![CDATA[x]]>",
)
