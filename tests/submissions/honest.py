"""Lines as authors of encoders write them on model cards, in ten languages: each is a valid text of a card."""

LINES = """
Multilingual encoder for retrieval, fine-tuned from XLM-RoBERTa-large.
Training data: MS MARCO
Data: NQ, TriviaQA and SQuAD; languages: en, de, fr
Trained on [NLI] (see the paper) and [STS-B] (see appendix B).
Fine-tuned on [1][2] and evaluated on [3].
Passages with <m tokens are padded; longer ones are cut.
Sequences of <512 tokens, batches of >1,024 pairs
Pre-trained with a fill-in-the-middle objective on code
Pre-trained on fill-in-the-blank questions
Uses <s> and </s> as separators and <mask> for masking
T5 sentinels such as <extra_id_0> are removed
Chat template with <|im_start|> and <|endoftext|>
Recall@100 improves for x < y and z > w
p<.05 in all languages, n>=1000
Code corpora: Python: 40%, JavaScript: 12%, C++: 8%
Apache-2.0
CC BY-NC 4.0 (weights), MIT (code)
not stated
none
R&D; Q&A; NLI
Query & passage encoders share weights (AT&T; Stanford)
8 x A100 (80 GB), ~3 days
1x H100; lr = 2e-5; temperature = 0.01
info@testing-lab.ac.uk
Jane Doe <jane.doe@uni-example.de>
test@testbed.io
someone@myexample.com
nlp@cs.uni-xyz.edu, https://nlp.uni-xyz.edu/people
https://huggingface.co/intfloat/multilingual-e5-small
https://github.com/microsoft/unilm/tree/master/e5
See https://arxiv.org/abs/2402.05672, https://aclanthology.org/2020.emnlp-main.477/
http://www.google.com.br/about
Trained on synthetic queries (GPT-4); no data of the test set.
Your model card may cite it; it is your first choice for short queries.
The placeholder token is masked; change me-dependent weights at will.
Distilled from BAAI/bge-m3 with KL divergence, tau = 0.02
mE5, LaBSE, SONAR: all frozen
Weights: 118M; embedding: 384
Instruction-tuned: yes. Matryoshka: 64/128/256/512.
"Sentence-T5" with mean pooling, L2-normalised
$0.02 per 1M tokens * batch pricing
50% mono + 50% cross (alpha = 0.5)
[CLS] pooling; [SEP] between title and text
C4 | mC4 | OSCAR | CC-100
~/.cache is not read; #1 on nothing
Entrenado con todo el corpus de Wikipedia en español.
Todo el conjunto de datos es público; todos los pares están revisados.
Datos: SQuAD-es y MLQA (véase la sección 3)
¿Qué hace? Busca pasajes en once idiomas.
Licencia: Apache 2.0
Contacto: María Núñez <maria.nunez@upm.es>
Modelo multilingüe de 118 M de parámetros
Treinado em todo o corpus do Brasil; dados: mMARCO
Modelo de recuperação densa para o português e o inglês
Contato: João, equipe de PLN da USP
Licença: MIT, uso não comercial é livre
Kodierer für mehrsprachige Suche, feinabgestimmt auf XQuAD
Trainingsdaten: „GermanQuAD“ und übersetzte Fragen
Größe: 118 Mio. Parameter – trainiert auf zwei GPUs
Für Fragen: Jörg Müller, Universität Köln, https://www.uni-köln.de
Straße, Maß und Öl: Umlaute bleiben erhalten
Modèle d’encodage multilingue, affiné sur mMARCO-fr
Données : PIAF, FQuAD et 12 000 paires traduites
Matériel : 4 V100, 36 heures ; coût ≈ 90 €
Licence : CeCILL-C ; poids publiés « tels quels »
L’équipe TAL (ne pas écrire à l’auteur directement)
Многоязычный энкодер для поиска, обучен на MIRACL
Данные: SberQuAD, т.е. вопросы и абзацы Википедии
Обучено на 8 GPU; температура 0,02
Контакт: лаборатория ИИ, Москва
Лицензия: Apache 2.0; веса открыты
Сравнение с mE5, LaBSE и др.
多语言检索模型,基于 XLM-R 微调
训练数据:MS MARCO 中文翻译、T2Ranking
许可证:Apache-2.0(权重),MIT(代码)
联系方式:清华大学自然语言处理实验室
硬件:8 块 A100,训练 3 天
查询前缀为“query: ”,段落前缀为“passage: ”
多言語検索のための文埋め込みモデル
学習データ:JSQuAD、JAQKET、mMARCO(日本語訳)
ライセンス:Apache License 2.0
連絡先:東北大学 自然言語処理研究グループ
A100 × 8枚で約3日間学習
نموذج متعدد اللغات لاسترجاع النصوص
بيانات التدريب: MIRACL و Mr. TyDi
الترخيص: أباتشي 2.0
العتاد: ثماني وحدات معالجة رسومية
مدل چندزبانه برای بازیابی متن؛ می‌شود آن را آزادانه به‌کار برد
بہت سی زبانوں کے لیے تلاش کا ماڈل
बहुभाषी खोज के लिए एनकोडर, हिन्दी पर प्रशिक्षित
प्रशिक्षण डेटा: MIRACL-hi और अनुवादित प्रश्न
लाइसेंस: MIT; संपर्क: आईआईटी, क्‍षेत्र
हार्डवेयर: चार GPU, दो दिन
Μοντέλο αναζήτησης για έντεκα γλώσσες
Δεδομένα: XQuAD-el, π.χ. ερωτήσεις της Βικιπαίδειας
Άδεια: MIT· επικοινωνία: ΕΚΠΑ
แบบจำลองหลายภาษาสำหรับการค้นคืนข้อความ
ข้อมูลฝึก: MIRACL ภาษาไทย
Türkçe ve İngilizce arama modeli; veri: MS MARCO-TR, çevrilmiş
Mô hình truy hồi đa ngôn ngữ, huấn luyện trên UIT-ViQuAD
다국어 검색 모델, KorQuAD 1.0으로 미세 조정
学习率 1e-5 · 批大小 256 · 温度 0.02
""".strip().split("\n")
