"""Names that the demonstration model may choose from, in English and Chinese.

A model of 135 million parameters spells diagnoses that do not exist. Held to these names it shows the product
without printing nonsense; which of them it picks is its own doing, and means nothing medically.
"""

from medassist.errors import Language

_DIAGNOSES = """
Acute coronary syndrome|急性冠脉综合征
Acute myocardial infarction|急性心肌梗死
Aortic dissection|主动脉夹层
Pulmonary embolism|肺栓塞
Heart failure|心力衰竭
Atrial fibrillation|心房颤动
Pericarditis|心包炎
Infective endocarditis|感染性心内膜炎
Hypertensive emergency|高血压急症
Deep vein thrombosis|深静脉血栓形成
Community-acquired pneumonia|社区获得性肺炎
Asthma|支气管哮喘
Chronic obstructive pulmonary disease|慢性阻塞性肺疾病
Pneumothorax|气胸
Pulmonary tuberculosis|肺结核
Lung cancer|肺癌
Pleural effusion|胸腔积液
Gastro-oesophageal reflux disease|胃食管反流病
Peptic ulcer|消化性溃疡
Acute gastroenteritis|急性胃肠炎
Acute appendicitis|急性阑尾炎
Acute cholecystitis|急性胆囊炎
Acute cholangitis|急性胆管炎
Acute pancreatitis|急性胰腺炎
Bowel obstruction|肠梗阻
Inguinal hernia|腹股沟疝
Diverticulitis|憩室炎
Inflammatory bowel disease|炎症性肠病
Irritable bowel syndrome|肠易激综合征
Cirrhosis of the liver|肝硬化
Viral hepatitis|病毒性肝炎
Gastric cancer|胃癌
Colorectal cancer|结直肠癌
Pancreatic cancer|胰腺癌
Urinary tract infection|尿路感染
Acute pyelonephritis|急性肾盂肾炎
Kidney stone|肾结石
Acute kidney injury|急性肾损伤
Nephrotic syndrome|肾病综合征
Glomerulonephritis|肾小球肾炎
Benign prostatic hyperplasia|良性前列腺增生
Bladder cancer|膀胱癌
Diabetes mellitus|糖尿病
Diabetic ketoacidosis|糖尿病酮症酸中毒
Hypoglycaemia|低血糖症
Hyperthyroidism|甲状腺功能亢进症
Hypothyroidism|甲状腺功能减退症
Adrenal insufficiency|肾上腺皮质功能减退症
Ischaemic stroke|缺血性脑卒中
Intracerebral haemorrhage|脑出血
Subarachnoid haemorrhage|蛛网膜下腔出血
Transient ischaemic attack|短暂性脑缺血发作
Bacterial meningitis|细菌性脑膜炎
Epilepsy|癫痫
Migraine|偏头痛
Parkinson disease|帕金森病
Multiple sclerosis|多发性硬化
Guillain-Barré syndrome|吉兰-巴雷综合征
Myasthenia gravis|重症肌无力
Brain tumour|脑肿瘤
Iron deficiency anaemia|缺铁性贫血
Acute leukaemia|急性白血病
Lymphoma|淋巴瘤
Immune thrombocytopenia|免疫性血小板减少症
Systemic lupus erythematosus|系统性红斑狼疮
Rheumatoid arthritis|类风湿关节炎
Gout|痛风
Septic arthritis|化脓性关节炎
Osteoarthritis|骨关节炎
Fracture|骨折
Lumbar disc herniation|腰椎间盘突出症
Sepsis|脓毒症
Influenza|流行性感冒
Infectious mononucleosis|传染性单核细胞增多症
Malaria|疟疾
Dengue|登革热
Syphilis|梅毒
HIV infection|人类免疫缺陷病毒感染
Herpes zoster|带状疱疹
Herpes simplex|单纯疱疹
Cellulitis|蜂窝织炎
Atopic dermatitis|特应性皮炎
Contact dermatitis|接触性皮炎
Psoriasis|银屑病
Lichen planus|扁平苔藓
Tinea|体癣
Scabies|疥疮
Urticaria|荨麻疹
Drug eruption|药疹
Melanoma|黑色素瘤
Basal cell carcinoma|基底细胞癌
Vitiligo|白癜风
Ectopic pregnancy|异位妊娠
Pelvic inflammatory disease|盆腔炎性疾病
Ovarian torsion|卵巢扭转
Pre-eclampsia|子痫前期
Uterine fibroids|子宫肌瘤
Kawasaki disease|川崎病
Measles|麻疹
Hand, foot and mouth disease|手足口病
Bronchiolitis|毛细支气管炎
Acute otitis media|急性中耳炎
Acute glaucoma|急性青光眼
Conjunctivitis|结膜炎
Tonsillitis|扁桃体炎
Major depressive disorder|抑郁症
Panic disorder|惊恐障碍
Anaphylaxis|过敏性休克
Carbon monoxide poisoning|一氧化碳中毒
Testicular torsion|睾丸扭转
Splenic rupture|脾破裂
Breast cancer|乳腺癌
Thyroid cancer|甲状腺癌
"""

_TESTS = """
electrocardiogram|心电图
troponin|肌钙蛋白
chest X-ray|胸部X线检查
chest CT|胸部CT
CT pulmonary angiogram|CT肺动脉造影
D-dimer|D-二聚体
echocardiogram|超声心动图
blood count|血常规
C-reactive protein|C反应蛋白
blood culture|血培养
blood gas analysis|血气分析
electrolytes and creatinine|电解质和肌酐
liver function tests|肝功能
lipase|脂肪酶
blood glucose|血糖
thyroid function tests|甲状腺功能
urinalysis|尿常规
urine culture|尿培养
abdominal ultrasound|腹部超声
abdominal CT|腹部CT
gastroscopy|胃镜
colonoscopy|结肠镜
head CT|头颅CT
brain MRI|头颅磁共振
lumbar puncture|腰椎穿刺
electroencephalogram|脑电图
spirometry|肺功能检查
sputum culture|痰培养
bone marrow examination|骨髓检查
autoantibodies|自身抗体
joint aspiration|关节穿刺
skin biopsy|皮肤活检
dermoscopy|皮肤镜检查
fungal microscopy|真菌镜检
serology|血清学检查
pelvic ultrasound|盆腔超声
pregnancy test|妊娠试验
biopsy|病理活检
X-ray of the limb|肢体X线检查
duplex ultrasound of the veins|静脉彩色多普勒超声
"""


def _column(table: str, language: Language) -> tuple[str, ...]:
    side = 1 if language == "zh" else 0
    return tuple(line.split("|")[side] for line in table.strip().split("\n"))


def diagnoses(language: Language) -> tuple[str, ...]:
    """About a hundred common diagnoses, unordered."""
    return _column(_DIAGNOSES, language)


def tests(language: Language) -> tuple[str, ...]:
    """Forty common examinations, unordered."""
    return _column(_TESTS, language)
